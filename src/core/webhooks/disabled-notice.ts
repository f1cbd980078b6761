import type { NoticeDraft } from '../notices/notice.ts'
import type { EndpointRow } from './webhook-views.ts'

/** What operators are told when an endpoint was switched off for failing. */
export function disabledNotice(endpoint: EndpointRow): NoticeDraft {
  return {
    kind: 'webhook_endpoint.switched_off',
    subject: endpoint.public_id,
    accountId: endpoint.account_id,
    data: { url: endpoint.url, failing_since: endpoint.failing_since?.toISOString() ?? null },
  }
}
