import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../../../test/kit/postgres.ts'
import { type Database, openDatabase } from '../../db/database.ts'
import { ShiftedClock } from '../../lib/clock.ts'
import { SYSTEM } from '../actor.ts'
import { execute } from '../execute.ts'
import type { Operation } from '../operation.ts'
import { listServices } from './catalogue-views.ts'
import { createCategory } from './create-category.ts'
import { type CreateServiceInput, createService } from './create-service.ts'
import { removeServicePrice, setServicePrice } from './set-service-price.ts'
import { updateCategory } from './update-category.ts'
import { updateService } from './update-service.ts'

const PROVIDERS = new Set(['simulated', 'manual'])
const add = createService(PROVIDERS)
const change = updateService(PROVIDERS)
let place: TestDatabase
let database: Database
let good: CreateServiceInput

before(async () => {
  place = await testDatabase()
  database = openDatabase(place.connection)
  const category = await run(createCategory, { name: 'Pictures', position: 1 })
  good = {
    categoryId: BigInt(category.id),
    name: 'Image tagging',
    description: 'One tag set per picture.\nChecked by hand.',
    type: 'Default',
    position: 1,
    minQuantity: 50,
    maxQuantity: 10_000,
    packageQuantity: null,
    canRefill: false,
    canCancel: true,
    canDripfeed: false,
    provider: 'simulated',
    prices: [
      { currency: 'USD', rate: '0.90' },
      { currency: 'SEK', rate: '9.123456' },
    ],
  }
})

after(async () => {
  await database?.close()
  await place?.drop()
})

async function run<I, O>(operation: Operation<I, O>, input: I): Promise<O> {
  const funnel = { database, clock: new ShiftedClock() }
  return (await execute(funnel, operation, { actor: SYSTEM, input, idempotencyKey: null })).output
}

async function epoch(): Promise<bigint> {
  const row = await database.db
    .selectFrom('epoch')
    .select('value')
    .where('name', '=', 'catalogue')
    .executeTakeFirstOrThrow()
  return row.value
}

test('a service is sold in the currencies that it has a price in', async () => {
  const service = await run(add, good)
  const serviceId = BigInt(service.id)
  assert.deepEqual(service.prices, [
    { currency: 'SEK', rateMicros: '9123456', minChargeMicros: '0' },
    { currency: 'USD', rateMicros: '900000', minChargeMicros: '0' },
  ])
  const revenue = await database.db
    .selectFrom('ledger_account')
    .select('currency')
    .where('kind', '=', 'revenue')
    .orderBy('currency')
    .execute()
  assert.deepEqual(
    revenue.map((row) => row.currency),
    ['SEK', 'USD'],
  )
  const dearer = await run(setServicePrice, { serviceId, currency: 'USD', rate: '1' })
  assert.equal(dearer.prices[1]?.rateMicros, '1000000')
  const fewer = await run(removeServicePrice, { serviceId, currency: 'USD' })
  assert.deepEqual(
    fewer.prices.map((price) => price.currency),
    ['SEK'],
  )
  await assert.rejects(run(removeServicePrice, { serviceId, currency: 'USD' }), {
    code: 'not_found',
  })
})

test('every change of the catalogue moves its epoch', async () => {
  const service = await run(add, good)
  const serviceId = BigInt(service.id)
  const steps = [
    () => run(createCategory, { name: 'Texts', position: 2 }),
    () => run(updateCategory, { categoryId: good.categoryId, name: 'Images' }),
    () => run(add, good),
    () => run(change, { serviceId, state: 'paused' }),
    () => run(setServicePrice, { serviceId, currency: 'EUR', rate: '2' }),
    () => run(removeServicePrice, { serviceId, currency: 'EUR' }),
  ]
  for (const step of steps) {
    const earlier = await epoch()
    await step()
    assert.equal(await epoch(), earlier + 1n)
  }
})

test('what is not a service is refused, naming the field, and leaves nothing', async () => {
  const bad: Record<string, Partial<CreateServiceInput>> = {
    '/min_quantity': { minQuantity: 0 },
    '/max_quantity': { minQuantity: 10, maxQuantity: 9 },
    '/package_quantity': { packageQuantity: 5 },
    '/quantity_step': { quantityStep: 10_001 },
    '/link_pattern': { linkPattern: '(?<!look)around' },
    '/refill_days': { refillDays: 0 },
    '/refill_cooldown_hours': { refillCooldownHours: 0.5 },
    '/category_id': { categoryId: 999_999n },
    '/provider': { provider: 'nobody' },
    '/name': { name: ' ' },
    '/prices/0/rate': { prices: [{ currency: 'USD', rate: '0' }] },
    '/prices/0/currency': { prices: [{ currency: 'XXZ', rate: '1' }] },
    '/prices/1/currency': {
      prices: [
        { currency: 'USD', rate: '1' },
        { currency: 'USD', rate: '2' },
      ],
    },
  }
  const earlier = await listServices(database.db, { limit: 100 })
  for (const [pointer, fields] of Object.entries(bad)) {
    await assert.rejects(
      run(add, { ...good, ...fields }),
      (error: { fields: { pointer: string }[] }) => {
        assert.equal(error.fields[0]?.pointer, pointer)
        return true
      },
    )
  }
  await assert.rejects(run(add, { ...good, type: 'Package' }), { code: 'invalid_input' })
  const dear = { prices: [{ currency: 'USD', rate: '9000000000000' }] }
  await assert.rejects(run(add, { ...good, ...dear }), { code: 'invalid_input' })
  assert.deepEqual(await listServices(database.db, { limit: 100 }), earlier)
})

test('a change keeps what is not given, and the rules', async () => {
  const service = await run(add, { ...good, type: 'Package', packageQuantity: 7 })
  const serviceId = BigInt(service.id)
  const paused = await run(change, { serviceId, state: 'paused', maxQuantity: 60 })
  const expected = { ...service, state: 'paused', maxQuantity: 60, updatedAt: paused.updatedAt }
  assert.deepEqual(paused, expected)
  await assert.rejects(run(change, { serviceId, minQuantity: 61 }), { code: 'invalid_input' })
  await assert.rejects(run(change, { serviceId, packageQuantity: null }), {
    code: 'invalid_input',
  })
  await assert.rejects(run(change, { serviceId: 999_999n }), { code: 'not_found' })
})

test('what is not said of a service is as in most, and changes keep what is not given', async () => {
  const plain = await run(add, good)
  const { quantityStep, linkPattern, oneActivePerLink, confirmFirst, providers } = plain
  assert.deepEqual(
    [quantityStep, linkPattern, oneActivePerLink, confirmFirst, providers],
    [1, null, false, false, []],
  )
  assert.deepEqual([plain.refillDays, plain.refillCooldownHours], [null, 24])
  const rules = {
    quantityStep: 10,
    linkPattern: '^https://',
    oneActivePerLink: true,
    refillDays: 30,
    refillCooldownHours: 0,
    confirmFirst: true,
  }
  const strict = await run(change, { serviceId: BigInt(plain.id), ...rules })
  assert.deepEqual(strict, { ...plain, ...rules, updatedAt: strict.updatedAt })
  const again = await run(change, { serviceId: BigInt(plain.id), position: 9 })
  assert.deepEqual(again, { ...strict, position: 9, updatedAt: again.updatedAt })
})

test('the first of those who deliver is who is asked first', async () => {
  const one = {
    upstreamService: null,
    followsPrice: false,
    marginPpm: null,
    marginFixedMicros: null,
  }
  const providers = [
    { ...one, provider: 'manual', upstreamService: '12' },
    { ...one, provider: 'simulated', marginPpm: 50_000, marginFixedMicros: '1000' },
  ]
  const service = await run(add, { ...good, providers })
  assert.equal(service.provider, 'manual')
  assert.deepEqual(service.providers, providers)
  const serviceId = BigInt(service.id)
  const turned = await run(change, { serviceId, providers: providers.toReversed() })
  assert.equal(turned.provider, 'simulated')
  assert.deepEqual(turned.providers, providers.toReversed())
  const alone = await run(change, { serviceId, provider: 'manual' })
  assert.deepEqual([alone.provider, alone.providers], ['manual', []])
  for (const wrong of [
    [{ ...one, provider: 'nobody' }],
    [
      { ...one, provider: 'manual' },
      { ...one, provider: 'manual' },
    ],
    Array.from({ length: 11 }, () => ({ ...one, provider: 'manual' })),
  ]) {
    await assert.rejects(run(change, { serviceId, providers: wrong }), { code: 'invalid_input' })
  }
  const after = await run(change, { serviceId, position: alone.position })
  assert.deepEqual(after, { ...alone, updatedAt: after.updatedAt })
})
