import { setTimeout as pause } from 'node:timers/promises'
import type { DeliveryDriver, DeliveryDrivers } from '../delivery-driver.ts'
import type { AskedWork, RefillWord } from './refill.ts'

/** A word of a provider about one work, and whether that provider may be asked twice. */
export interface Heard extends Pick<AskedWork, 'refillId' | 'orderId' | 'wasAsked'> {
  readonly word: RefillWord
  readonly isIdempotent: boolean
}

/** Well within the lease under which works are asked for. */
const ASK_MAX_MS = 18_000
const UNKNOWN = { kind: 'unknown' } as const

/** Asks a provider for what it has not taken yet, and where the rest stands. Throws as it does. */
export async function askProvider(
  driver: DeliveryDriver,
  works: readonly AskedWork[],
): Promise<Heard[]> {
  const fresh = works.filter((work) => work.ref === null)
  const taken = works.flatMap(({ ref, ...work }) => (ref === null ? [] : [{ ...work, ref }]))
  const [answers, statuses] = await Promise.all([
    fresh.length === 0 ? [] : driver.refill(fresh),
    taken.length === 0 ? undefined : driver.refillStatus(taken.map((work) => work.ref)),
  ])
  const { isIdempotent } = driver
  const heard = ({
    refillId,
    orderId,
    wasAsked,
  }: Pick<AskedWork, keyof Heard & keyof AskedWork>) => {
    return (word: RefillWord): Heard => ({ refillId, orderId, wasAsked, word, isIdempotent })
  }
  return [
    ...fresh.map((work, at) => heard(work)(answers[at] ?? UNKNOWN)),
    ...taken.map((work) => heard(work)(statuses?.get(work.ref) ?? UNKNOWN)),
  ]
}

/**
 * Asks the providers of works that a caller waits for, each on its own. Never throws: what fails,
 * or takes too long, is unknown.
 */
export async function askToRefill(
  drivers: DeliveryDrivers,
  works: readonly AskedWork[],
): Promise<readonly Heard[]> {
  const heard: Heard[] = []
  const asking = [...Map.groupBy(works, (work) => work.provider)].map(
    async ([provider, theirs]) => {
      const driver = drivers.get(provider)
      if (driver === undefined) return
      heard.push(...(await askProvider(driver, theirs).catch(() => [])))
    },
  )
  const timeout = new AbortController()
  await Promise.race([
    Promise.all(asking).finally(() => timeout.abort()),
    pause(ASK_MAX_MS, undefined, { signal: timeout.signal }).catch(() => {}),
  ])
  return [...heard]
}
