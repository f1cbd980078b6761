import { systemAccount } from '../ledger/system-account.ts'
import type { OperationContext } from '../operation.ts'
import { pauseRows, type SyncedRate, setRateRows } from './service-sync-store.ts'

type Context = Pick<OperationContext, 'tx' | 'now' | 'record'>

/**
 * Sells services in `currency` at new rates, many at once; the least charges stay. The caller has
 * moved the catalogue's epoch.
 */
export async function setRates(
  { tx, record }: Context,
  currency: string,
  rates: readonly SyncedRate[],
): Promise<void> {
  if (rates.length === 0) return
  await systemAccount(tx, 'revenue', currency)
  await setRateRows(tx, currency, rates)
  for (const { serviceId, rateMicros } of rates) {
    record({
      kind: 'service.priced',
      subjectId: serviceId,
      accountId: null,
      data: { currency, rate_micros: String(rateMicros) },
    })
  }
}

/**
 * No longer sells these services until an operator resumes them. Answers which were sold. The
 * caller has moved the catalogue's epoch.
 */
export async function pauseServices(
  { tx, now, record }: Context,
  serviceIds: readonly bigint[],
): Promise<ReadonlySet<bigint>> {
  if (serviceIds.length === 0) return new Set()
  const paused = await pauseRows(tx, serviceIds, now)
  for (const serviceId of paused) {
    record({ kind: 'service.paused', subjectId: serviceId, accountId: null })
  }
  return new Set(paused)
}
