import { type Static, Type } from 'typebox'
import { ACCOUNT_STATES, type Account } from '../core/identity/account.ts'
import {
  listAccounts,
  readAccount,
  readAccountWithBalance,
} from '../core/identity/account-views.ts'
import { createAccount } from '../core/identity/create-account.ts'
import { createUser } from '../core/identity/create-user.ts'
import { resumeAccount, suspendAccount } from '../core/identity/suspend-account.ts'
import { updateAccount } from '../core/identity/update-account.ts'
import { USER_ROLES, type User } from '../core/identity/user.ts'
import { listUsers } from '../core/identity/user-views.ts'
import { newWebhookSecret } from '../core/webhooks/webhook-secret.ts'
import { readMainUrl } from '../core/webhooks/webhook-views.ts'
import { readId, readIdField, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import {
  Amount,
  Id,
  IdParams,
  Instant,
  listOf,
  listQuery,
  NoBody,
  nullable,
  oneOf,
  strictObject,
} from '../http/rest/shapes.ts'
import { currencyDecimals, formatAmount } from '../lib/money.ts'
import type { AdminDeps } from './admin-deps.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

export const AccountShape = Type.Object({
  id: Id,
  email: Type.String(),
  name: Type.String(),
  currency: Type.String({ examples: ['USD'] }),
  time_zone: Type.String({ examples: ['Europe/Sofia'] }),
  tax_profile_id: Id,
  discount_group_id: nullable(Id),
  state: oneOf(ACCOUNT_STATES),
  created_at: Instant,
  updated_at: Instant,
})
const webhook_url = nullable(
  Type.String({ description: 'Where it is told of its orders: its main endpoint' }),
)
const AccountWithWebhook = Type.Object({ ...AccountShape.properties, webhook_url })
const AccountWithBalance = Type.Object({ ...AccountWithWebhook.properties, balance: Amount })
const NewAccount = strictObject({
  email: Type.String(),
  name: Type.String(),
  currency: Type.String({ description: 'ISO 4217; fixed by the first transfer' }),
  time_zone: Type.String({ description: 'IANA name' }),
  tax_profile_id: Type.Optional(
    Type.String({ description: 'How its invoices are taxed; left out: not at all' }),
  ),
})
const AccountChanges = Type.Partial(strictObject({ ...NewAccount.properties, webhook_url }), {
  additionalProperties: false,
})
const UserShape = Type.Object({
  id: Id,
  account_id: Id,
  email: Type.String(),
  role: oneOf(USER_ROLES),
  created_at: Instant,
})
const NewUser = strictObject({
  email: Type.String(),
  password: Type.String({ description: '10 to 200 characters' }),
  role: Type.Optional(oneOf(USER_ROLES)),
})
const tag = 'Accounts'

/** Customers: their accounts and the users who sign in to them. */
export function registerAccounts(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.post(
    '/accounts',
    {
      schema: writing(
        { operationId: 'createAccount', summary: 'Open an account', tag },
        { body: NewAccount, answers: { 201: AccountShape } },
      ),
    },
    async (request, reply) => {
      const { time_zone: timeZone, tax_profile_id, ...rest } = request.body
      const input = { ...rest, timeZone, taxProfileId: readTaxProfile(tax_profile_id) }
      const account = await write(deps, { request, reply, operation: createAccount, input })
      return reply.code(201).send(showAccount(account))
    },
  )
  app.get(
    '/accounts',
    {
      schema: reading(
        { operationId: 'listAccounts', summary: 'List accounts, newest first', tag },
        {
          querystring: listQuery({
            email: Type.Optional(Type.String()),
            state: Type.Optional(oneOf(ACCOUNT_STATES)),
          }),
          answer: listOf(AccountShape),
        },
      ),
    },
    async ({ query }) => {
      const { limit, from } = readPage('accounts', query)
      const { email, state } = query
      const rows = await listAccounts(db, { email, state, before: from, limit: limit + 1 })
      return toPage('accounts', { rows, limit, render: showAccount })
    },
  )
  app.get(
    '/accounts/:id',
    {
      schema: reading(
        { operationId: 'getAccount', summary: 'An account with its balance', tag },
        { params: IdParams, answer: AccountWithBalance },
      ),
    },
    async ({ params }) => {
      const { account, balanceMicros } = await readAccountWithBalance(db, readId(params.id))
      const decimals = currencyDecimals(account.currency)
      return {
        ...showAccount(account),
        webhook_url: await readMainUrl(db, BigInt(account.id)),
        balance: formatAmount(balanceMicros, decimals),
      }
    },
  )
  app.patch(
    '/accounts/:id',
    {
      schema: writing(
        { operationId: 'updateAccount', summary: 'Change an account', tag },
        { params: IdParams, body: AccountChanges, answers: { 200: AccountWithWebhook } },
      ),
    },
    async (request, reply) => {
      const { time_zone: timeZone, tax_profile_id, webhook_url: url, ...rest } = request.body
      const taxProfileId = readTaxProfile(tax_profile_id)
      const accountId = readId(request.params.id)
      const { secrets, webhookNetworks: networks } = deps
      const webhook =
        url === undefined ? undefined : { url, secret: newWebhookSecret(secrets), networks }
      const input = { accountId, ...rest, timeZone, taxProfileId, webhook }
      const account = await write(deps, { request, reply, operation: updateAccount, input })
      return { ...showAccount(account), webhook_url: await readMainUrl(db, accountId) }
    },
  )
  for (const [verb, summary, operation] of [
    ['suspend', "Stop an account's keys and sessions", suspendAccount],
    ['resume', 'Let a suspended account act again', resumeAccount],
  ] as const) {
    app.post(
      `/accounts/:id/${verb}`,
      {
        schema: writing(
          { operationId: `${verb}Account`, summary, tag },
          { params: IdParams, body: NoBody, answers: { 200: AccountShape } },
        ),
      },
      async (request, reply) => {
        const input = { accountId: readId(request.params.id) }
        return showAccount(await write(deps, { request, reply, operation, input }))
      },
    )
  }
}

/** The users of an account. */
export function registerUsers(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.post(
    '/accounts/:id/users',
    {
      schema: writing(
        { operationId: 'createUser', summary: 'Let somebody sign in to an account', tag },
        { params: IdParams, body: NewUser, answers: { 201: UserShape } },
      ),
    },
    async (request, reply) => {
      const { email, password, role = 'owner' } = request.body
      const input = { accountId: readId(request.params.id), email, password, role }
      const user = await write(deps, { request, reply, operation: createUser, input })
      return reply.code(201).send(showUser(user))
    },
  )
  app.get(
    '/accounts/:id/users',
    {
      schema: reading(
        { operationId: 'listUsers', summary: 'Who signs in to an account', tag },
        { params: IdParams, querystring: listQuery({}), answer: listOf(UserShape) },
      ),
    },
    async ({ params, query }) => {
      const { limit, from } = readPage('users', query)
      const accountId = readId(params.id)
      await readAccount(db, accountId)
      const rows = await listUsers(db, accountId, { before: from, limit: limit + 1 })
      return toPage('users', { rows, limit, render: showUser })
    },
  )
}

function readTaxProfile(id: string | undefined): bigint | undefined {
  return id === undefined ? undefined : readIdField(id, '/tax_profile_id')
}

export function showAccount(account: Account): Static<typeof AccountShape> {
  return {
    id: account.id,
    email: account.email,
    name: account.name,
    currency: account.currency,
    time_zone: account.timeZone,
    tax_profile_id: account.taxProfileId,
    discount_group_id: account.discountGroupId,
    state: account.state,
    created_at: account.createdAt,
    updated_at: account.updatedAt,
  }
}

function showUser(user: User): Static<typeof UserShape> {
  return {
    id: user.id,
    account_id: user.accountId,
    email: user.email,
    role: user.role,
    created_at: user.createdAt,
  }
}
