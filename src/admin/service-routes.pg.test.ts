import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type AdminApp, startAdminApp } from '../../test/kit/admin-app.ts'

let admin: AdminApp
let ask: AdminApp['ask']
let categoryId: string

before(async () => {
  admin = await startAdminApp()
  ask = (method, path, ...rest) => admin.ask(method, `/admin/v1${path}`, ...rest)
  categoryId = (await ask('POST', '/categories', { name: 'Images' })).json.id
})
after(() => admin?.close())

async function newService(terms: Record<string, unknown> = {}): Promise<string> {
  const made = await ask('POST', '/services', {
    category_id: categoryId,
    name: 'Image tagging',
    type: 'Default',
    min_quantity: 10,
    max_quantity: 10_000,
    ...terms,
  })
  assert.equal(made.status, 201, made.text)
  return made.json.id
}

const RULES = {
  quantity_step: 5,
  link_pattern: '^https://',
  one_active_per_link: true,
  refill_days: 30,
  refill_cooldown_hours: 12,
  confirm_first: true,
}
const NO_RULES = {
  quantity_step: 1,
  link_pattern: null,
  one_active_per_link: false,
  refill_days: null,
  refill_cooldown_hours: 24,
  confirm_first: false,
}

test('a service has no rules unless it is given some', async () => {
  const plain = (await ask('GET', `/services/${await newService()}`)).json
  assert.deepEqual({ ...plain, ...NO_RULES }, plain)
  const id = await newService(RULES)
  const strict = (await ask('GET', `/services/${id}`)).json
  assert.deepEqual({ ...strict, ...RULES }, strict)
  await ask('PATCH', `/services/${id}`, { name: 'Other' })
  const named = (await ask('GET', `/services/${id}`)).json
  assert.deepEqual({ ...named, ...RULES, name: 'Other' }, named)
  const relaxed = (await ask('PATCH', `/services/${id}`, NO_RULES)).json
  assert.deepEqual({ ...relaxed, ...NO_RULES }, relaxed)
})

test('what is no rule is refused, and changes nothing', async () => {
  const id = await newService({ max_quantity: 12 })
  const before = (await ask('GET', `/services/${id}`)).text
  for (const [wrong, pointer] of [
    [{ quantity_step: 0 }, '/quantity_step'],
    [{ quantity_step: 13 }, '/quantity_step'],
    [{ link_pattern: '(?=look-around)' }, '/link_pattern'],
    [{ link_pattern: '(' }, '/link_pattern'],
    [{ link_pattern: 'a'.repeat(501) }, '/link_pattern'],
    [{ refill_days: 0 }, '/refill_days'],
    [{ refill_days: 3_651 }, '/refill_days'],
    [{ refill_cooldown_hours: -1 }, '/refill_cooldown_hours'],
    [{ providers: [{ provider: 'nobody' }] }, '/provider'],
    [
      { providers: [{ provider: 'simulated' }, { provider: 'simulated' }] },
      '/providers/1/provider',
    ],
    [{ provider: 'simulated', providers: [{ provider: 'simulated' }] }, '/provider'],
    [{ providers: [{ provider: 'simulated', margin_fixed: 'much' }] }, '/providers/0/margin_fixed'],
    [{ providers: [{ provider: 'simulated', margin_percent: -1 }] }, '/providers/0/margin_percent'],
    [
      { providers: [{ provider: 'simulated', upstream_service: '' }] },
      '/providers/0/upstream_service',
    ],
  ] as const) {
    const answer = await ask('PATCH', `/services/${id}`, wrong)
    assert.ok(answer.status === 400 || answer.status === 422, answer.text)
    assert.equal(answer.json.errors[0].pointer, pointer, answer.text)
  }
  assert.equal((await ask('GET', `/services/${id}`)).text, before)
})

test('every type may have a step but a package, whose quantity is not asked for', async () => {
  for (const type of ['Package', 'Subscriptions', 'Custom Comments Package']) {
    const terms = { type, quantity_step: 10, package_quantity: type === 'Package' ? 1 : null }
    const answer = await ask('POST', '/services', {
      category_id: categoryId,
      name: type,
      min_quantity: 10,
      max_quantity: 100,
      ...terms,
    })
    if (type === 'Package') {
      assert.equal(answer.json.errors[0].pointer, '/quantity_step', answer.text)
    } else {
      assert.equal(answer.status, 201, answer.text)
      assert.equal(answer.json.quantity_step, 10)
    }
  }
})

test('who delivers is a list in order, or one alone', async () => {
  const providers = [
    {
      provider: 'simulated',
      upstream_service: '4711',
      follows_price: true,
      margin_percent: 12.5,
      margin_fixed: '0.05',
    },
  ]
  const id = await newService({ providers })
  const read = async () => (await ask('GET', `/services/${id}`)).json
  assert.deepEqual((await read()).providers, providers)
  await ask('PATCH', `/services/${id}`, { description: 'Stays' })
  assert.deepEqual((await read()).providers, providers)
  await ask('PATCH', `/services/${id}`, { provider: 'simulated' })
  const { provider, providers: none } = await read()
  assert.deepEqual([provider, none], ['simulated', []])
  await ask('PATCH', `/services/${id}`, { providers: [{ provider: 'simulated' }] })
  assert.deepEqual((await read()).providers, [
    {
      provider: 'simulated',
      upstream_service: null,
      follows_price: false,
      margin_percent: null,
      margin_fixed: null,
    },
  ])
})
