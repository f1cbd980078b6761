import { sql } from 'kysely'
import type { Tx } from '../../db/database.ts'
import { unlessTaken } from '../unique.ts'
import type { Addon, AddonState, AddonTerms } from './addon.ts'
import { readAddon } from './addon-views.ts'
import type { CyclePriceRow } from './cycle-price.ts'

/** Refuses `conflict` by key. */
export async function insertAddon(
  tx: Tx,
  addon: { publicId: string; terms: AddonTerms; now: Date },
): Promise<bigint> {
  const { publicId, terms, now } = addon
  const { id } = await keyUnlessTaken(() =>
    tx
      .insertInto('addon')
      .values({ ...columnsOf(terms), public_id: publicId, created_at: now, updated_at: now })
      .returning('id')
      .executeTakeFirstOrThrow(),
  )
  return id
}

/** The addon, locked until the transaction ends. Refuses `not_found`. */
export async function lockAddon(tx: Tx, id: bigint): Promise<Addon> {
  await tx.selectFrom('addon').select('id').where('id', '=', id).forNoKeyUpdate().execute()
  return await readAddon(tx, id)
}

/** Refuses `conflict` by key. */
export async function updateAddonRow(
  tx: Tx,
  id: bigint,
  changes: { terms: AddonTerms; state: AddonState; now: Date },
): Promise<void> {
  const { terms, state, now } = changes
  await keyUnlessTaken(() =>
    tx
      .updateTable('addon')
      .set({ ...columnsOf(terms), state, updated_at: now })
      .where('id', '=', id)
      .execute(),
  )
}

/** Sells the addon for these prices and no others. */
export async function writeAddonPrices(
  tx: Tx,
  addonId: bigint,
  prices: readonly CyclePriceRow[],
): Promise<void> {
  await tx.deleteFrom('addon_price').where('addon_id', '=', addonId).execute()
  await sql`
    insert into addon_price (addon_id, currency, billing_cycle, amount)
    select ${addonId}, i.currency, i.cycle, i.amount
    from rows from (
      unnest(${prices.map((price) => price.currency)}::text[]),
      unnest(${prices.map((price) => price.billingCycle)}::smallint[]),
      unnest(${prices.map((price) => price.amountMicros)}::bigint[])
    ) as i (currency, cycle, amount)`.execute(tx)
}

function columnsOf({ key, family, name, position }: AddonTerms) {
  return { key, family, name, position }
}

function keyUnlessTaken<T>(write: () => Promise<T>): Promise<T> {
  return unlessTaken('addon_key_key', 'There is an addon with this key.', write)
}
