/** Where the core's `now` comes from. Only the test clock ever differs from the system's. */
export interface Clock {
  now(): Date
}

/** The system's clock, shifted by an offset that the test clock sets. */
export class ShiftedClock implements Clock {
  #offsetMs = 0

  now(): Date {
    return new Date(Date.now() + this.#offsetMs)
  }

  shiftTo(offsetMs: number): void {
    this.#offsetMs = offsetMs
  }
}
