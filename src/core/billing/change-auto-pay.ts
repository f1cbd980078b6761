import type { OperationContext } from '../operation.ts'
import { setAutoPay } from './subscription-store.ts'

/**
 * Lets a server's renewals be paid by themselves or not, within the operation that changes the
 * server. One that is made out already keeps what it was made out with.
 */
export async function changeAutoPay(
  { tx, now, record }: Pick<OperationContext, 'tx' | 'now' | 'record'>,
  o: { serverId: bigint; autoPay: boolean },
): Promise<void> {
  for (const { id, accountId } of await setAutoPay(tx, { now, ...o })) {
    const data = { auto_pay: o.autoPay }
    record({ kind: 'subscription.auto_pay_changed', subjectId: id, accountId, data })
  }
}
