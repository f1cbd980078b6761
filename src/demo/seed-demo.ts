import type { BillingTerms } from '../core/billing/billing-terms.ts'
import { listCategories, listServices } from '../core/catalogue/catalogue-views.ts'
import { createCategory } from '../core/catalogue/create-category.ts'
import { createService } from '../core/catalogue/create-service.ts'
import type { Funnel } from '../core/execute.ts'
import { listAccounts } from '../core/identity/account-views.ts'
import { createAccount } from '../core/identity/create-account.ts'
import { createApiKey } from '../core/identity/create-api-key.ts'
import { createOperator } from '../core/identity/create-operator.ts'
import { createOperatorKey } from '../core/identity/create-operator-key.ts'
import { createUser } from '../core/identity/create-user.ts'
import { keyExists, listKeys } from '../core/identity/key-views.ts'
import { findOperatorLogin } from '../core/identity/operator-views.ts'
import { digest, newApiKey, randomCharacters } from '../core/identity/secret.ts'
import { findUserLogin } from '../core/identity/user-views.ts'
import { readStatement } from '../core/ledger/account-statement.ts'
import { grantCredit } from '../core/ledger/grant-credit.ts'
import { ADVISORY_LOCKS } from '../db/advisory-locks.ts'
import type { Db } from '../db/database.ts'
import {
  type DemoCustomer,
  type DemoFile,
  type DemoKey,
  readDemoFile,
  writeDemoFile,
} from './demo-file.ts'
import { DEMO_SERVICES } from './demo-services.ts'
import { runStep } from './run-step.ts'
import { seedPlans, seedTaxProfile } from './seed-plans.ts'
import { listDemoServers, seedServers } from './seed-servers.ts'

const LISTED_MAX = 10_000
const REFILL_DAYS = 30
const PASSWORD_CHARACTERS = 16
const OPERATOR_EMAIL = 'operator@demo.example'

const CUSTOMERS = [
  {
    email: 'customer1@demo.example',
    name: 'Studio Sofia',
    currency: 'USD',
    timeZone: 'Europe/Sofia',
    creditMicros: '100842920',
    taxPercent: 20,
  },
  {
    email: 'customer2@demo.example',
    name: 'Studio Stockholm',
    currency: 'SEK',
    timeZone: 'Europe/Stockholm',
    creditMicros: '1500000000',
    taxPercent: 25,
  },
] as const

const FULL = ['read:all', 'write:all'] as const
const KEYS = {
  full: { scopes: FULL, discountPpm: 0, legacyErrors: false },
  read: { scopes: ['read:all'], discountPpm: 0, legacyErrors: false },
  discount10: { scopes: FULL, discountPpm: 100_000, legacyErrors: false },
  legacy_errors: { scopes: FULL, discountPpm: 0, legacyErrors: true },
} as const satisfies Record<DemoKey, unknown>

/**
 * Makes the demo shop once in a database, and `$DATA_DIR/demo.json` with its sign-ins. The secrets
 * are on disk before anything uses them, and every step looks first whether it was made: a start
 * that was cut off is finished by the next. The operator's key is made last: where it is, the shop
 * is whole, and what was changed since is left alone.
 * Returns undefined where another DATA_DIR has the sign-ins.
 */
export async function seedDemo(
  funnel: Funnel,
  o: { dataDir: string; url: string; terms: BillingTerms },
): Promise<DemoFile | undefined> {
  const lock = await funnel.database.pool.connect()
  try {
    await lock.query('select pg_advisory_lock($1)', [ADVISORY_LOCKS.demo])
    const found = await readDemoFile(o.dataDir)
    const ours = found && (await keyExists(funnel.database.db, digest(found.file.operator.api_key)))
    if (!ours && (await isWhole(funnel.database.db))) return undefined
    if (ours && found.finished && found.file.url === o.url) return found.file
    const file = found?.file ?? newSecrets()
    if (!ours) {
      if (!found) await writeDemoFile(o.dataDir, file, { finished: false })
      await seed(funnel, file, o.terms)
    }
    const told = ours && found?.finished ? file : await withIds(funnel.database.db, file)
    const finished = { ...told, url: o.url }
    await writeDemoFile(o.dataDir, finished, { finished: true })
    return finished
  } finally {
    // Closed, not given back: that the lock goes with it is certain whatever has happened.
    lock.release(true)
  }
}

async function isWhole(db: Db): Promise<boolean> {
  const operator = await findOperatorLogin(db, OPERATOR_EMAIL)
  if (!operator) return false
  const keys = await listKeys(db, { operatorId: operator.id }, { limit: 1 })
  return keys.length > 0
}

function newSecrets(): DemoFile {
  return {
    url: '',
    operator: {
      email: OPERATOR_EMAIL,
      password: randomCharacters(PASSWORD_CHARACTERS),
      api_key: newApiKey().key,
    },
    customers: CUSTOMERS.map(({ email, currency, timeZone }) => ({
      id: '',
      email,
      password: randomCharacters(PASSWORD_CHARACTERS),
      currency,
      time_zone: timeZone,
      keys: {
        full: newApiKey().key,
        read: newApiKey().key,
        discount10: newApiKey().key,
        legacy_errors: newApiKey().key,
      },
    })),
    services: {},
    servers: [],
  }
}

async function seed(funnel: Funnel, file: DemoFile, terms: BillingTerms): Promise<void> {
  const { db } = funnel.database
  await seedServices(funnel)
  await seedPlans(funnel)
  for (const customer of file.customers) await seedCustomer(funnel, customer)
  await seedServers(funnel, { accounts: await accountIds(db, file), terms })
  const { email, password, api_key } = file.operator
  if (!(await findOperatorLogin(db, email))) {
    await runStep(funnel, createOperator, { email, name: 'Demo operator', password })
  }
  const operator = await findOperatorLogin(db, email)
  if (!operator) throw new Error('the demo operator is missing')
  await runStep(funnel, createOperatorKey, { operatorId: operator.id, name: 'Demo', key: api_key })
}

async function seedServices(funnel: Funnel): Promise<void> {
  const { db } = funnel.database
  const services = await listServices(db, { limit: LISTED_MAX })
  const names = new Set(services.map((service) => service.name))
  const taken = new Set(services.map((service) => service.id))
  const categories = new Map(
    (await listCategories(db, { limit: LISTED_MAX })).map(({ name, id }) => [name, id]),
  )
  const add = createService(new Set(['simulated']))
  for (const { id, category, rates, isLasting = false, ...service } of DEMO_SERVICES) {
    if (names.has(service.name)) continue
    const categoryId =
      categories.get(category) ??
      (await runStep(funnel, createCategory, { name: category, position: categories.size + 1 })).id
    categories.set(category, categoryId)
    await runStep(funnel, add, {
      ...service,
      // Documented numbers, also where a start that was cut off has used some up.
      ...(taken.has(String(id)) ? {} : { id }),
      categoryId: BigInt(categoryId),
      position: Number(id),
      canRefill: isLasting,
      refillDays: isLasting ? REFILL_DAYS : null,
      canCancel: true,
      canDripfeed: isLasting,
      provider: 'simulated',
      prices: Object.entries(rates).map(([currency, rate]) => ({ currency, rate })),
    })
  }
}

async function seedCustomer(funnel: Funnel, customer: DemoCustomer): Promise<void> {
  const { db } = funnel.database
  const terms = CUSTOMERS.find((known) => known.email === customer.email)
  if (!terms) throw new Error(`demo.json names ${customer.email}, whom the demo does not know`)
  const { creditMicros, taxPercent, ...opening } = terms
  const taxProfileId = await seedTaxProfile(funnel, taxPercent)
  const account =
    (await findAccount(db, customer.email)) ??
    (await runStep(funnel, createAccount, { ...opening, taxProfileId }))
  const accountId = BigInt(account.id)
  if (!(await findUserLogin(db, customer.email))) {
    const { email, password } = customer
    await runStep(funnel, createUser, { accountId, email, password, role: 'owner' })
  }
  for (const [name, terms] of Object.entries(KEYS)) {
    const key = customer.keys[name as DemoKey]
    if (await keyExists(db, digest(key))) continue
    await runStep(funnel, createApiKey, { accountId, name: `Demo ${name}`, ...terms, key })
  }
  const { entries } = await readStatement(db, { accountId, before: null, limit: 1 })
  if (entries.length === 0) {
    const reason = 'Opening balance of the demo'
    await runStep(funnel, grantCredit, {
      accountId: account.id,
      amountMicros: creditMicros,
      reason,
    })
  }
}

async function findAccount(db: Db, email: string) {
  const [account] = await listAccounts(db, { email, limit: 1 })
  return account
}

/** The numbers of the customers' accounts, by e-mail address. */
async function accountIds(db: Db, file: DemoFile): Promise<ReadonlyMap<string, bigint>> {
  const ids = new Map<string, bigint>()
  for (const { email } of file.customers) {
    const account = await findAccount(db, email)
    if (!account) throw new Error(`the demo account ${email} is missing`)
    ids.set(email, BigInt(account.id))
  }
  return ids
}

/** The file with the numbers that the shop has given. */
async function withIds(db: Db, file: DemoFile): Promise<DemoFile> {
  const services = await listServices(db, { limit: LISTED_MAX })
  const accounts = await accountIds(db, file)
  const customers = file.customers.map((customer) => {
    return { ...customer, id: String(accounts.get(customer.email)) }
  })
  return {
    ...file,
    customers,
    services: Object.fromEntries(
      DEMO_SERVICES.map(({ name, type }) => {
        const service = services.find((known) => known.name === name && known.type === type)
        if (!service) throw new Error(`the demo service "${name}" is missing`)
        return [type, service.id]
      }),
    ),
    servers: await listDemoServers(db, accounts),
  }
}
