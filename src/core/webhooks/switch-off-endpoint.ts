import { raiseNotice } from '../notices/raise-notice.ts'
import type { Operation } from '../operation.ts'
import { disabledNotice } from './disabled-notice.ts'
import { RETRIED_FOR_MS } from './webhook.ts'
import { lockEndpoint, updateEndpoint } from './webhook-store.ts'

/** Switches an endpoint off that has failed for three days, and tells the operators. */
export const switchOffEndpoint: Operation<{ endpointId: string }, { switchedOff: boolean }> = {
  name: 'webhook_endpoint.switch_off',
  permission: 'system',
  async run(context, { endpointId }) {
    const { tx, now, record } = context
    const endpoint = await lockEndpoint(tx, { endpointId, accountId: null })
    const { failing_since: since, state } = endpoint
    if (state !== 'active' || since === null || now.getTime() - since.getTime() < RETRIED_FOR_MS) {
      return { switchedOff: false }
    }
    await updateEndpoint(context, endpoint, { state: 'disabled', because: 'failing' })
    await raiseNotice(context, disabledNotice(endpoint))
    record({
      kind: 'webhook_endpoint.disabled',
      subjectId: endpoint.id,
      accountId: endpoint.account_id,
      data: { because: 'failing' },
    })
    return { switchedOff: true }
  },
}
