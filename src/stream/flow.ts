/** How far the bytes of one direction have come. */

/** What a transfer says when it has moved what it can. */
export const enum Flow {
  /** Nothing more to read now; an event will come. */
  Wait = 0,
  /** The other side takes no more now; an event will come. */
  Blocked = 1,
  /** The body is complete and has been sent. */
  Done = 2,
  /** The source closed before the end of its message. */
  SourceEnd = 3,
  SourceError = 4,
  TargetError = 5,
  /** The source's framing is broken. */
  Invalid = 6,
  /** No receive buffer is free; try again in a later turn. */
  NoBuffer = 7,
}
