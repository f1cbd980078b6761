import type { Tx } from '../../db/database.ts'
import { AMOUNT_MAX } from '../../lib/money.ts'
import { invalidField } from '../refusal.ts'
import type { ServiceProvider } from './service.ts'

const PROVIDERS_MAX = 10
const UPSTREAM_SERVICE_LENGTH_MAX = 100

/** Refuses one that is named twice or unknown, and margins that cannot be. */
export function checkProviders(
  known: ReadonlySet<string>,
  providers: readonly ServiceProvider[],
): void {
  if (providers.length > PROVIDERS_MAX) {
    throw invalidField('/providers', `must be at most ${PROVIDERS_MAX}`, 'too_many_items')
  }
  const seen = new Set<string>()
  for (const [at, { provider, upstreamService, marginPpm, marginFixedMicros }] of [
    ...providers,
  ].entries()) {
    const pointer = `/providers/${at}`
    if (!known.has(provider)) {
      throw invalidField(`${pointer}/provider`, `must be one of: ${[...known].join(', ')}`)
    }
    if (seen.has(provider)) throw invalidField(`${pointer}/provider`, 'is named twice')
    seen.add(provider)
    if (upstreamService !== null && !isName(upstreamService)) {
      throw invalidField(
        `${pointer}/upstream_service`,
        `must be 1 to ${UPSTREAM_SERVICE_LENGTH_MAX} characters`,
      )
    }
    if (marginPpm !== null && marginPpm < 0) {
      throw invalidField(`${pointer}/margin_percent`, 'must not be negative')
    }
    const fixed = BigInt(marginFixedMicros ?? 0)
    if (fixed < 0n || fixed > AMOUNT_MAX) {
      throw invalidField(`${pointer}/margin_fixed`, 'must be an amount of money')
    }
  }
}

function isName(text: string): boolean {
  return /^[^\p{Cc}]+$/u.test(text) && text.length <= UPSTREAM_SERVICE_LENGTH_MAX
}

/** The service is locked before. */
export async function replaceProviders(
  tx: Tx,
  serviceId: bigint,
  providers: readonly ServiceProvider[],
): Promise<void> {
  await tx.deleteFrom('service_provider').where('service_id', '=', serviceId).execute()
  if (providers.length === 0) return
  await tx
    .insertInto('service_provider')
    .values(
      providers.map((one, at) => ({
        service_id: serviceId,
        position: at + 1,
        provider: one.provider,
        upstream_service: one.upstreamService,
        follows_price: one.followsPrice,
        margin_ppm: one.marginPpm,
        margin_fixed: one.marginFixedMicros === null ? null : BigInt(one.marginFixedMicros),
      })),
    )
    .execute()
}
