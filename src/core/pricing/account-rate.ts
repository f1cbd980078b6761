/** What one account pays for one service instead of its rate. Micros for 1000, as text. */
export interface AccountRate {
  readonly accountId: string
  readonly serviceId: string
  readonly currency: string
  readonly rateMicros: string
}
