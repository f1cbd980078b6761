import type { FastifyReply } from 'fastify'
import type { KeyActor } from '../../core/actor.ts'
import type { Catalogue } from '../../core/catalogue/catalogue-cache.ts'
import { authorizeAny } from '../../core/execute.ts'
import { currentPrices } from '../../core/orders/current-prices.ts'
import type { OrderDesk } from '../../core/orders/order-desk.ts'
import { ORDER_READERS } from '../../core/orders/order-reader.ts'
import { compressed, encodingFor } from '../../http/compressed.ts'
import type { PanelDialect } from './panel-dialect.ts'

/**
 * The services as this key may buy them, in bytes that are made once for each way of showing them
 * and, where the caller takes it, compressed once.
 */
export async function serviceList(
  reply: FastifyReply,
  o: { dialect: PanelDialect; desk: OrderDesk; actor: KeyActor },
): Promise<Buffer> {
  const { catalogue, buyer: actor } = await currentPrices(o.desk, o.actor)
  authorizeAny(actor, ORDER_READERS)
  const bytes = rendered(catalogue, { dialect: o.dialect, actor })
  // Whoever keeps answers must not give one caller the bytes of another.
  reply.header('vary', 'Accept-Encoding')
  const encoding = encodingFor(reply.request.headers['accept-encoding'])
  if (encoding === undefined || bytes.length < COMPRESSED_FROM_BYTES) return bytes
  reply.header('content-encoding', encoding)
  return await compressed(bytes, encoding)
}

/** Less than this fits into a packet or two anyway. */
const COMPRESSED_FROM_BYTES = 1024

function rendered(
  catalogue: Catalogue,
  { dialect, actor }: { dialect: PanelDialect; actor: KeyActor },
): Buffer {
  const { currency, groupDiscountPpm, discountPpm } = actor
  // Rates of the account's own are its alone, and stand as long as its key is known unchanged.
  const own = actor.ownRates === null ? '' : ` ${actor.accountId} ${actor.epoch}`
  const name = `${dialect.name} ${currency} ${groupDiscountPpm} ${discountPpm}${own}`
  const known = catalogue.rendered.get(name)
  const bytes = known ?? Buffer.from(dialect.services(catalogue, actor))
  keep(catalogue.rendered, name, bytes)
  return bytes
}

/** How many renderings of one catalogue are kept, and how much they may hold together. */
const RENDERED_MAX = 64
const RENDERED_BYTES_MAX = 32 * 1024 * 1024

/** Keeps `bytes` as what was asked for last; what was not asked for longest makes room. */
function keep(rendered: Map<string, Buffer>, name: string, bytes: Buffer): void {
  if (bytes.length > RENDERED_BYTES_MAX) return
  rendered.delete(name)
  rendered.set(name, bytes)
  let keptBytes = 0
  for (const { length } of rendered.values()) keptBytes += length
  for (const [oldest, { length }] of rendered) {
    if (rendered.size <= RENDERED_MAX && keptBytes <= RENDERED_BYTES_MAX) return
    rendered.delete(oldest)
    keptBytes -= length
  }
}
