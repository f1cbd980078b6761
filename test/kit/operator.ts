/** What an operator does to customers and their servers, over the operator API. */
import assert from 'node:assert/strict'
import type { PurserClient } from './purser.ts'
import type { Customer } from './shop.ts'

/** Has something made; how the API shows it. */
export async function created<T = { readonly id: string }>(
  purser: PurserClient,
  path: string,
  body: unknown,
): Promise<T> {
  const answer = await purser.admin('POST', path, body)
  assert.equal(answer.status, 201, `${path}: ${answer.text}`)
  return answer.json as T
}

/** Has something changed that is there already. */
export async function changed(
  purser: PurserClient,
  how: string,
  body: unknown = {},
): Promise<void> {
  const [method = '', path = ''] = how.split(' ')
  const answer = await purser.admin(method, path, body)
  assert.equal(answer.status, 200, `${how}: ${answer.text}`)
}

/** Saves a card that the simulated gateway charges. */
export async function saveCard(
  purser: PurserClient,
  customer: Pick<Customer, 'id'>,
): Promise<void> {
  const card = { gateway: 'simulated', brand: 'visa', last_four: '4242' }
  await created(purser, `/accounts/${customer.id}/card`, card)
}

let taxes = 0

/** From now on the customer's invoices are taxed, within prices or on top of them. */
export async function taxWith(
  purser: PurserClient,
  customer: Pick<Customer, 'id'>,
  o: { percent: number; within: boolean },
): Promise<void> {
  const profile = await created(purser, '/tax-profiles', {
    name: `Tax ${process.pid} ${++taxes}`,
    rate_percent: o.percent,
    prices_include_tax: o.within,
  })
  await changed(purser, `PATCH /accounts/${customer.id}`, { tax_profile_id: profile.id })
}

interface Numbered {
  readonly id: bigint
}

export async function suspendForAbuse(purser: PurserClient, server: Numbered): Promise<void> {
  await changed(purser, `POST /servers/${server.id}/suspend`)
}

export async function terminate(purser: PurserClient, server: Numbered): Promise<void> {
  await changed(purser, `POST /servers/${server.id}/terminate`)
}

/** As somebody at its console would. */
export async function switchOff(purser: PurserClient, server: Numbered): Promise<void> {
  await changed(purser, `PUT /drivers/simulated/servers/${server.id}`, { power: 'stopped' })
}

/** From now on the server's plan is not sold in any currency. */
export async function withdrawPrices(
  purser: PurserClient,
  server: { readonly planId: string },
): Promise<void> {
  await changed(purser, `PATCH /plans/${server.planId}`, { prices: [] })
}

export async function voidPurchase(
  purser: PurserClient,
  invoice: { readonly purchaseId: bigint },
): Promise<void> {
  await changed(purser, `POST /purchases/${invoice.purchaseId}/cancel`)
}
