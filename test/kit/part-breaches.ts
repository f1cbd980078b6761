/** What can be wrong with orders in parts, as SQL to be run with the guards off in a scene. */
import type { Scene } from './ledger-scene.ts'
import { newScene } from './ledger-scene.ts'

/** An order of 100 for 4.00 in two parts, of which 50 and 30 were delivered. */
export interface PartScene extends Scene {
  readonly wholeId: bigint
  readonly partIds: readonly [bigint, bigint]
}

export interface PartPlant {
  readonly breach: string
  readonly check: string
  readonly says: RegExp
  /** What is done with the guards off. */
  plant(scene: PartScene): string
}

const UNIT = 1_000_000n

export async function newPartScene(): Promise<PartScene> {
  const scene = await newScene()
  const { books, anna } = scene
  const wholeId = await books.order(anna, 4n * UNIT)
  const partIds = [await books.order(anna, 0n), await books.order(anna, 0n)] as const
  await books.tamper(`
    update service_order set unfolds = true, remains = 20 where id = ${wholeId};
    update service_order set parent_id = ${wholeId}, part = id - ${wholeId}, quantity = 50,
      remains = (id - ${wholeId} - 1) * 20, state = case id - ${wholeId} when 1 then 'completed'
        else 'partial' end, look_at = null
    where id in (${partIds});
    update event set kind = 'order_part.placed' where subject_id in (${partIds});
    insert into event (kind, subject_id, actor_kind, created_at)
    select 'order_part.' || state, id, 'system', now() from service_order where id in (${partIds})`)
  await books.enter(anna, wholeId, 'partial', 800_000n)
  return { ...scene, wholeId, partIds }
}

export const PART_PLANTS: readonly PartPlant[] = [
  {
    breach: 'a part of an order that does not exist',
    check: 'parts_add_up',
    says: /^order_part \d+ of order 999999: there is no such order$/,
    plant: ({ partIds }) =>
      `update service_order set parent_id = 999999, part = 1 where id = ${partIds[1]}`,
  },
  {
    breach: 'a part of an order that is not delivered in parts',
    check: 'parts_add_up',
    says: /^order_part \d+ of order 1: that is not delivered in parts$/,
    plant: ({ partIds, orders }) =>
      `update service_order set parent_id = ${orders[0]}, part = 1 where id = ${partIds[1]}`,
  },
  {
    breach: "a part of another customer's order",
    check: 'parts_add_up',
    says: /^order_part \d+ of order \d+: that is of another account, service or currency$/,
    plant: ({ partIds, bert }) =>
      `update service_order set account_id = ${bert.accountId} where id = ${partIds[0]}`,
  },
  {
    breach: 'a part that was charged for',
    check: 'parts_add_up',
    says: /^order_part \d+ of order \d+: charge 1, refunded 0$/,
    plant: ({ partIds }) => `
      alter table service_order drop constraint service_order_part_free;
      update service_order set charge = 1000000, list_charge = 1000000 where id = ${partIds[0]}`,
  },
  {
    breach: 'a part that is missing among its neighbours',
    check: 'parts_add_up',
    says: /^order \d+ is partial: quantity 100, remains 20, parts 2 of 100, /,
    plant: ({ partIds }) => `update service_order set part = 3 where id = ${partIds[1]}`,
  },
  {
    breach: 'parts that come to more than the order',
    check: 'parts_add_up',
    says: /^order \d+ is partial: quantity 100, remains 20, parts 2 of 150, /,
    plant: ({ partIds }) =>
      `update service_order set quantity = 100, remains = 70 where id = ${partIds[1]}`,
  },
  {
    breach: 'an order that gave back for what its parts delivered',
    check: 'parts_add_up',
    says: /^order \d+ is partial: quantity 100, remains 20, .* delivered 100, open 0, nowhere 0$/,
    plant: ({ partIds }) => `update service_order set remains = 0 where id = ${partIds[1]}`,
  },
  {
    breach: 'an order that ended before its parts',
    check: 'parts_add_up',
    says: /^order \d+ is partial: .* open 1, nowhere 0$/,
    plant: ({ partIds }) => `update service_order set state = 'in_progress', look_at = now(),
      provider_ref = 'x' where id = ${partIds[1]}`,
  },
  {
    breach: 'a part that changed without an event',
    check: 'one_event_per_change',
    says: /^order_part \d+ is done: .* last order_part.partial$/,
    plant: ({ partIds }) => `update service_order set state = 'done' where id = ${partIds[1]}`,
  },
  {
    breach: 'a part whose events are those of an order',
    check: 'one_event_per_change',
    says: /^order \d+ is missing: events of placing 0, .* of ending 1, last order.failed$/,
    plant: ({ partIds }) => `insert into event (kind, subject_id, actor_kind, created_at)
      values ('order.failed', ${partIds[1]}, 'system', now())`,
  },
]
