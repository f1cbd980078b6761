const PAY_AGAIN_MS = 86_400_000
const PAY_ATTEMPTS_MAX = 7

/** When the scheduler tries again to pay a purchase that could not be paid: null: no more. */
export function payAgainAt(
  purchase: {
    readonly autoPay: boolean
    readonly grossMicros: bigint
    readonly payAttempts: number
  },
  now: Date,
): Date | null {
  const byItself = purchase.autoPay || purchase.grossMicros === 0n
  const attempts = purchase.payAttempts + 1
  return byItself && attempts < PAY_ATTEMPTS_MAX ? new Date(now.getTime() + PAY_AGAIN_MS) : null
}
