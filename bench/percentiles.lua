-- An argument is the mean pause of each connection between two requests, in ms. `delay` may exist
-- only then: wrk asks for it after every answer.
function init(args)
  local mean = tonumber(args[1])
  if mean then delay = function() return math.random(0, 2 * mean) end end
end

-- Prints the totals of a wrk run on one line, in the order that bench/load.ts reads.
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d %d %d\n",
    summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    errors.connect + errors.read + errors.write + errors.timeout, errors.status))
end
