import type { Operation } from '../operation.ts'
import { Refusal } from '../refusal.ts'
import type { SecretBox } from '../secret-box.ts'
import {
  checkUpstreamKey,
  checkUpstreamName,
  type Upstream,
  type UpstreamTerms,
} from './upstream.ts'
import { insertUpstream } from './upstream-store.ts'
import { termsColumns } from './upstream-terms.ts'
import { readUpstream } from './upstream-views.ts'

export interface CreateUpstreamInput extends UpstreamTerms {
  readonly name: string
  readonly apiKey: string
}

/** What a new upstream is asked to be, where the operator says nothing else. */
export const UPSTREAM_DEFAULTS = {
  currency: null,
  isIdempotent: false,
  inFlightMax: 8,
  balanceAlert: null,
  whenFailing: 'wait',
  refundAfterMinutes: 1440,
  marginPpm: 0,
  marginFixed: '0',
  roundTo: '0.000001',
} as const satisfies Omit<UpstreamTerms, 'url'>

/**
 * Connects another panel, by a name that no provider has. Refuses `invalid_input` and `conflict`.
 */
export function createUpstream(o: {
  secrets: SecretBox
  /** The providers that are no upstreams. */
  builtIn: ReadonlySet<string>
}): Operation<CreateUpstreamInput, Upstream> {
  return {
    name: 'upstream.create',
    permission: 'operator',
    secretive: true,
    async run({ tx, now, record }, { name, apiKey, ...terms }) {
      if (o.builtIn.has(checkUpstreamName(name))) {
        throw new Refusal('conflict', { detail: 'There is a provider of this name.' })
      }
      const sealed = o.secrets.seal('upstream key', checkUpstreamKey(apiKey))
      const columns = termsColumns(terms)
      const id = await insertUpstream(tx, { ...columns, name, api_key: sealed }, now)
      record({ kind: 'upstream.created', subjectId: id, accountId: null })
      return await readUpstream(tx, id)
    },
  }
}
