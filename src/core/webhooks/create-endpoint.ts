import { accountOf } from '../actor.ts'
import type { Operation } from '../operation.ts'
import { Refusal } from '../refusal.ts'
import type { SecretBox } from '../secret-box.ts'
import { checkMayBeSentTo, checkUrl, type Endpoint } from './webhook.ts'
import { newWebhookSecret } from './webhook-secret.ts'
import { insertEndpoint } from './webhook-store.ts'

export interface CreateEndpointInput {
  readonly accountId: bigint
  readonly url: string
}

/**
 * Tells an account at one more address from now on, public or in `networks`, signed with a secret
 * of its own. Refuses `invalid_input`, `not_found` for an account that does not exist or is not the caller's, and
 * `conflict` where it has too many endpoints.
 */
export function createEndpoint({
  secrets,
  networks,
}: {
  secrets: SecretBox
  networks: readonly string[]
}): Operation<CreateEndpointInput, Endpoint> {
  return {
    name: 'webhook_endpoint.create',
    permission: 'write:orders',
    async run(context, input) {
      const { accountId } = input
      const own = accountOf(context.actor)
      if (own !== null && own !== accountId) throw new Refusal('not_found')
      const url = checkUrl(input.url)
      checkMayBeSentTo(url, { networks })
      const { id, endpoint } = await insertEndpoint(context, {
        accountId,
        url,
        secret: newWebhookSecret(secrets),
        isMain: false,
      })
      context.record({ kind: 'webhook_endpoint.created', subjectId: id, accountId })
      return endpoint
    },
  }
}
