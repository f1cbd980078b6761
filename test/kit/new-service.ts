import { created } from './operator.ts'
import type { PurserClient } from './purser.ts'

/** What a service says beside its name: fields of the operator API. */
export type ServiceTerms = Readonly<Record<string, unknown>>

let services = 0

/** Sells a Default service of 10 to 10000 at 1.00 USD for 1000, or what `terms` says. Its number. */
export async function newTestService(
  purser: PurserClient,
  terms: ServiceTerms = {},
): Promise<string> {
  services++
  const name = `Service ${process.pid}-${services}`
  const category = await created(purser, '/categories', { name })
  const { id } = await created(purser, '/services', {
    category_id: category.id,
    name,
    type: 'Default',
    min_quantity: 10,
    max_quantity: 10_000,
    prices: [{ currency: 'USD', rate: '1.00' }],
    ...terms,
  })
  return id
}
