import { newTestService, type ServiceTerms } from './new-service.ts'
import { created } from './operator.ts'
import type { PurserClient } from './purser.ts'
import type { UpstreamPanel } from './upstream-panel.ts'

/** Sells what a panel delivers: 1.00 USD for 1000, unless `terms` says otherwise. Its number. */
export async function newUpstreamService(
  purser: PurserClient,
  panel: UpstreamPanel,
  o: { name: string; isIdempotent: boolean; terms?: ServiceTerms },
): Promise<string> {
  await created(purser, '/upstreams', {
    name: o.name,
    url: panel.url,
    api_key: panel.key,
    is_idempotent: o.isIdempotent,
  })
  return await newTestService(purser, {
    min_quantity: 1,
    max_quantity: 100_000,
    providers: [{ provider: o.name, upstream_service: '1' }],
    ...o.terms,
  })
}
