/**
 * What is known of a condition while its data may still change (configuration.txt 4.2
 * `tcp-request inspect-delay`).
 */
export const enum Truth {
  False = 0,
  True = 1,
  /** More bytes may decide it. */
  Unknown = 2,
}
