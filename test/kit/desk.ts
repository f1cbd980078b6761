/** A process's own way of placing and reading orders without HTTP, on a shared database. */

import { SYSTEM } from '../../src/core/actor.ts'
import { CatalogueCache } from '../../src/core/catalogue/catalogue-cache.ts'
import { createCategory } from '../../src/core/catalogue/create-category.ts'
import { createService } from '../../src/core/catalogue/create-service.ts'
import { EpochWatch } from '../../src/core/epoch-watch.ts'
import { execute, type Funnel } from '../../src/core/execute.ts'
import { createAccount } from '../../src/core/identity/create-account.ts'
import { createApiKey } from '../../src/core/identity/create-api-key.ts'
import { KeyDirectory } from '../../src/core/identity/key-directory.ts'
import { grantCredit } from '../../src/core/ledger/grant-credit.ts'
import type { Operation } from '../../src/core/operation.ts'
import { NumberBlocks } from '../../src/core/orders/number-blocks.ts'
import { OrderCommitter } from '../../src/core/orders/order-committer.ts'
import type { OrderDesk } from '../../src/core/orders/order-desk.ts'
import { OrderReader } from '../../src/core/orders/order-reader.ts'
import { type ConnectionSettings, type Database, openDatabase } from '../../src/db/database.ts'
import { simulatedDelivery } from '../../src/drivers/delivery/simulated-delivery.ts'
import { ShiftedClock } from '../../src/lib/clock.ts'

export interface TestDesk extends OrderDesk {
  readonly database: Database
  readonly funnel: Funnel
  readonly watch: EpochWatch
  readonly reader: OrderReader
  /** Runs an operation as Purser itself. */
  run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output>
  close(): Promise<void>
}

/** More is asked at once than there are connections, also on a machine that is slow. */
const CONNECT_WITHIN_MS = 60_000

/** `polling` false: the epochs are only read when somebody asks, as if every poll were lost. */
export async function openDesk(
  connection: ConnectionSettings,
  o: { polling?: boolean } = {},
): Promise<TestDesk> {
  const database = openDatabase(connection, { max: 6, connectWithinMs: CONNECT_WITHIN_MS })
  const { db, pool } = database
  const clock = new ShiftedClock()
  const funnel = { database, clock }
  const watch = new EpochWatch(db, () => {})
  if (o.polling ?? true) await watch.start()
  const keys = new KeyDirectory(db, watch)
  return {
    database,
    funnel,
    watch,
    db,
    clock,
    keys,
    catalogue: new CatalogueCache(db, watch),
    numbers: new NumberBlocks(pool),
    committer: new OrderCommitter(pool),
    drivers: new Map([['simulated', simulatedDelivery({ pool, clock })]]),
    reader: new OrderReader(pool, keys),
    run: async (operation, input) =>
      (await execute(funnel, operation, { actor: SYSTEM, input, idempotencyKey: null })).output,
    async close() {
      watch.stop()
      await database.close()
    },
  }
}

/** A service of 1 to 1000000 at `rate` USD for 1000. */
export async function newService(desk: TestDesk, rate: string): Promise<bigint> {
  const name = `Test ${crypto.randomUUID()}`
  const category = await desk.run(createCategory, { name, position: 1 })
  const service = await desk.run(createService(new Set(['simulated'])), {
    categoryId: BigInt(category.id),
    name,
    description: '',
    type: 'Default',
    position: 1,
    minQuantity: 1,
    maxQuantity: 1_000_000,
    packageQuantity: null,
    canRefill: false,
    canCancel: true,
    canDripfeed: false,
    provider: 'simulated',
    prices: [{ currency: 'USD', rate }],
  })
  return BigInt(service.id)
}

/** An account with 1000.00 and a key. */
export async function newKeyHolder(
  desk: TestDesk,
  o: {
    amountMicros?: bigint
    currency?: string
    discountPpm?: number
    scopes?: readonly string[]
  } = {},
): Promise<{ accountId: bigint; keyId: bigint; key: string }> {
  const { id } = await desk.run(createAccount, {
    email: `${crypto.randomUUID()}@shop.example`,
    name: 'Customer',
    currency: o.currency ?? 'USD',
    timeZone: 'UTC',
  })
  const accountId = BigInt(id)
  await desk.run(grantCredit, {
    accountId: id,
    amountMicros: String(o.amountMicros ?? 1_000_000_000n),
    reason: 'test',
  })
  const made = await desk.run(createApiKey, {
    accountId,
    name: 'test',
    scopes: o.scopes ?? ['read:all', 'write:all'],
    discountPpm: o.discountPpm ?? 0,
    legacyErrors: false,
  })
  return { accountId, keyId: BigInt(made.id), key: made.key }
}
