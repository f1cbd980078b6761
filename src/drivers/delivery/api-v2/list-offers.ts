import type { UpstreamOffer } from '../../../core/upstreams/upstream-driver.ts'
import type { PanelConnection } from './panel-connection.ts'
import { isObject, readAmount, readCount, readFlag } from './panel-values.ts'
import { requireAnswer, UpstreamFailure } from './upstream-failure.ts'

/** Tens of thousands of services with their descriptions. */
const BYTES_MAX = 64_000_000
const ANSWER_MS = 60_000
const NAME_LENGTH_MAX = 200
const DESCRIPTION_LENGTH_MAX = 10_000

/** Everything that an upstream sells, each once; what has no price or no bounds is left out. */
export async function listOffers(connection: PanelConnection): Promise<readonly UpstreamOffer[]> {
  const limits = { bytesMax: BYTES_MAX, answerMs: ANSWER_MS }
  const body = requireAnswer(await connection.call({ action: 'services' }, limits), 'services')
  if (!Array.isArray(body)) throw new UpstreamFailure('services: the answer is no list')
  const offers = new Map<string, UpstreamOffer>()
  for (const entry of body) {
    const offer = readOffer(entry)
    if (offer !== undefined) offers.set(offer.service, offer)
  }
  return [...offers.values()]
}

function readOffer(entry: unknown): UpstreamOffer | undefined {
  if (!isObject(entry)) return undefined
  const service = typeof entry.service === 'string' ? entry.service.trim() : ''
  const rateMicros = readAmount(entry.rate ?? entry.price, 'up')
  const minQuantity = readCount(entry.min)
  const maxQuantity = readCount(entry.max)
  if (!/^[\w.:-]{1,100}$/.test(service) || rateMicros === undefined || rateMicros < 0n) {
    return undefined
  }
  if (minQuantity === null || maxQuantity === null) return undefined
  return {
    service,
    name: readText(entry.name, NAME_LENGTH_MAX) || service,
    type: readText(entry.type, NAME_LENGTH_MAX) || 'Default',
    category: readText(entry.category, NAME_LENGTH_MAX) || 'Other',
    description: readText(entry.description ?? entry.desc, DESCRIPTION_LENGTH_MAX),
    rateMicros,
    minQuantity: minQuantity < 1n ? 1n : minQuantity,
    maxQuantity: maxQuantity < 1n ? 1n : maxQuantity,
    canRefill: readFlag(entry.refill),
    canCancel: readFlag(entry.cancel),
    canDripfeed: readFlag(entry.dripfeed),
  }
}

/** Text that can be kept: without control characters but those of lines and tabs. */
function readText(value: unknown, lengthMax: number): string {
  if (typeof value !== 'string') return ''
  const text = value.replace(/[^\P{Cc}\t\n\r]/gu, '').toWellFormed()
  const line = lengthMax === NAME_LENGTH_MAX ? text.replace(/\s+/g, ' ') : text
  return line.trim().slice(0, lengthMax).toWellFormed()
}
