/** How the operator bills. */
export interface BillingTerms {
  /** How many days before a period ends the next one's invoice is made out. */
  readonly invoiceDaysAhead: number
  /** How many days after a period has ended unpaid its server is suspended. */
  readonly suspendAfterDays: number
}

const DAY_MS = 86_400_000

/** When the scheduler has to look at a server's subscription that is paid until `expiresAt`. */
export function scheduleAfter(
  expiresAt: Date,
  terms: BillingTerms,
): { nextInvoiceAt: Date; suspendAt: Date } {
  return {
    nextInvoiceAt: new Date(expiresAt.getTime() - terms.invoiceDaysAhead * DAY_MS),
    suspendAt: new Date(expiresAt.getTime() + terms.suspendAfterDays * DAY_MS),
  }
}
