import { settleNotice } from '../notices/raise-notice.ts'
import type { OperationContext } from '../operation.ts'
import { disabledNotice } from './disabled-notice.ts'
import { checkMayBeSentTo, checkUrl } from './webhook.ts'
import { insertEndpoint, lockMainEndpoint, updateEndpoint } from './webhook-store.ts'

/**
 * Makes `url`, public or in `networks`, the account's own webhook address; null: it has none.
 * `secret` is a new one, sealed, for where there was none before. Refuses `invalid_input`.
 */
export async function setMainEndpoint(
  context: OperationContext,
  o: { accountId: bigint; url: string | null; secret: string; networks: readonly string[] },
): Promise<void> {
  const { tx, record } = context
  const { accountId, networks } = o
  const at = '/webhook_url'
  const url = o.url === null ? null : checkUrl(o.url, at)
  const before = await lockMainEndpoint(tx, accountId)
  if (url === (before?.url ?? null)) return
  if (url !== null) checkMayBeSentTo(url, { networks, at })
  const told = (verb: string, subjectId: bigint) =>
    record({ kind: `webhook_endpoint.${verb}`, subjectId, accountId })
  if (before === undefined) {
    if (url === null) return
    const { id } = await insertEndpoint(context, { ...o, url, isMain: true })
    told('created', id)
  } else if (url === null) {
    await settleNotice(context, disabledNotice(before))
    await updateEndpoint(context, before, { state: 'removed' })
    told('removed', before.id)
  } else {
    await settleNotice(context, disabledNotice(before))
    await updateEndpoint(context, before, { url, state: 'active' })
    told('updated', before.id)
  }
}
