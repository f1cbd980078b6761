import { accountOf } from '../actor.ts'
import { settleNotice } from '../notices/raise-notice.ts'
import type { Operation, OperationContext } from '../operation.ts'
import { Refusal } from '../refusal.ts'
import type { SecretBox } from '../secret-box.ts'
import { disabledNotice } from './disabled-notice.ts'
import { checkMayBeSentTo, checkUrl, type Endpoint, type EndpointState } from './webhook.ts'
import { newWebhookSecret } from './webhook-secret.ts'
import { type EndpointChanges, lockEndpoint, updateEndpoint } from './webhook-store.ts'
import type { EndpointRow } from './webhook-views.ts'
import { toEndpoint } from './webhook-views.ts'

export interface EndpointInput {
  readonly endpointId: string
}

/**
 * Sends to another address from now on, public or in `networks`. Refuses `not_found` and
 * `invalid_input`.
 */
export function moveEndpoint(
  networks: readonly string[],
): Operation<EndpointInput & { url: string }, Endpoint> {
  return {
    name: 'webhook_endpoint.move',
    permission: 'write:orders',
    async run(context, input) {
      const before = await lockOwn(context, input)
      const url = checkUrl(input.url)
      if (url === before.url) return toEndpoint(before)
      checkMayBeSentTo(url, { networks })
      return await change(context, { before, kind: 'updated', changes: { url } })
    },
  }
}

/**
 * Signs with a new secret; the one before signs, too, for a day. Refuses `not_found`.
 */
export function rotateSecret(secrets: SecretBox): Operation<EndpointInput, Endpoint> {
  return {
    name: 'webhook_endpoint.rotate_secret',
    permission: 'write:orders',
    async run(context, input) {
      const before = await lockOwn(context, input)
      const changes = { secret: newWebhookSecret(secrets), secretBefore: before.secret }
      return await change(context, { before, kind: 'secret_rotated', changes })
    },
  }
}

const VERBS = {
  active: { name: 'enable', kind: 'enabled' },
  disabled: { name: 'disable', kind: 'disabled' },
  removed: { name: 'remove', kind: 'removed' },
} as const

/** Sends nothing there any more; what waits is dropped. Refuses `not_found`. */
export const disableEndpoint = switching('disabled')

/** Sends there again what happens from now on. Refuses `not_found`. */
export const enableEndpoint = switching('active')

/** Forgets an endpoint; what waits for it is dropped. Refuses `not_found`. */
export const removeEndpoint = switching('removed')

function switching(state: EndpointState): Operation<EndpointInput, Endpoint> {
  const { name, kind } = VERBS[state]
  return {
    name: `webhook_endpoint.${name}`,
    permission: 'write:orders',
    async run(context, input) {
      const before = await lockOwn(context, input)
      if (before.state === state) return toEndpoint(before)
      // Somebody has seen to it.
      await settleNotice(context, disabledNotice(before))
      const because = state === 'disabled' ? { because: 'asked' as const } : {}
      return await change(context, { before, kind, changes: { state, ...because } })
    },
  }
}

/** The endpoint, locked, where it is the caller's to change. Refuses `not_found`. */
export async function lockOwn(
  { tx, actor }: OperationContext,
  { endpointId }: EndpointInput,
): Promise<EndpointRow> {
  return await lockEndpoint(tx, { endpointId, accountId: accountOf(actor) })
}

async function change(
  context: OperationContext,
  o: { before: EndpointRow; kind: string; changes: EndpointChanges },
): Promise<Endpoint> {
  const endpoint = await updateEndpoint(context, o.before, o.changes)
  context.record({
    kind: `webhook_endpoint.${o.kind}`,
    subjectId: o.before.id,
    accountId: o.before.account_id,
  })
  return endpoint
}

/** Refuses `invalid_state` for an endpoint that is off. */
export function requireActive(endpoint: EndpointRow): void {
  if (endpoint.state === 'active') return
  throw new Refusal('invalid_state', { detail: 'The endpoint is switched off: enable it first.' })
}
