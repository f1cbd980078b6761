import { uuidV7 } from '../../lib/ids.ts'
import type { Operation } from '../operation.ts'
import { type EndpointInput, lockOwn, requireActive } from './change-endpoint.ts'
import { TEST_BODY, TEST_ORDER_ID } from './webhook.ts'
import { insertMessages } from './webhook-store.ts'

/**
 * Sends a message of no order, once: what came of it stands in the delivery log under the event's
 * name. Refuses `not_found`, and `invalid_state` for an endpoint that is off.
 */
export const sendTest: Operation<EndpointInput, { eventId: string }> = {
  name: 'webhook_endpoint.test',
  permission: 'write:orders',
  async run(context, input) {
    const endpoint = await lockOwn(context, input)
    requireActive(endpoint)
    const eventId = `evt_test_${uuidV7(context.now.getTime())}`
    const { id: endpointId, account_id: accountId } = endpoint
    const message = { endpointId, accountId, orderId: TEST_ORDER_ID, eventId, body: TEST_BODY }
    await insertMessages(context, [message], false)
    context.record({ kind: 'webhook_endpoint.tested', subjectId: endpointId, accountId })
    return { eventId }
  },
}
