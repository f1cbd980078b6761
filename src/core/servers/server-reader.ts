import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import { parseNumber, parsePublicId } from '../../lib/ids.ts'
import {
  beforeOf,
  type ListWindow,
  limitOf,
  offsetOf,
  type TotalOf,
  totalOf,
} from '../list-window.ts'
import { Refusal } from '../refusal.ts'
import type { ComputeDriver, ComputeDrivers, ServerStatus } from './compute-driver.ts'
import type { Server, ServerState } from './server.ts'
import { countServers, readServers } from './server-views.ts'

export interface ServerFilter {
  /** Null: anybody's, for operators. */
  readonly accountId: bigint | null
  readonly states?: readonly ServerState[] | undefined
  /** One of its addresses, whole. */
  readonly address?: string | undefined
  /** Its main address, whole. */
  readonly mainAddress?: string | undefined
  /** The whole name. */
  readonly hostname?: string | undefined
  /** A part of the name or of an address, in whatever case. */
  readonly search?: string | undefined
}

/** Without one, the newest first. Only a window by offset can be sorted. */
export interface ServerSort {
  readonly by: 'created_at' | 'expiry_at'
  readonly descending: boolean
}

/** Reads an account's servers, and asks their providers how they are. */
export class ServerReader {
  readonly #db: Db
  readonly #compute: ComputeDrivers

  constructor(deps: { db: Db; compute: ComputeDrivers }) {
    this.#db = deps.db
    this.#compute = deps.compute
  }

  async list<Window extends ListWindow>(
    o: ServerFilter & { sort?: ServerSort | undefined; window: Window },
  ): Promise<{ servers: Server[]; total: TotalOf<Window> }> {
    const before = beforeOf(o.window)
    const chosen = chosenBy(o)
    const servers = await readServers(this.#db, {
      accountId: o.accountId,
      where: before === undefined ? chosen : sql`${chosen} and s.id < ${before}`,
      orderBy: 'offset' in o.window ? orderBy(o.sort) : orderBy(undefined),
      limit: limitOf(o.window),
      offset: offsetOf(o.window),
    })
    const total = await totalOf(o.window, () =>
      countServers(this.#db, { accountId: o.accountId, where: chosen }),
    )
    return { servers, total }
  }

  /** A server of the account (null: of anybody's) by number or public id. Refuses `not_found`. */
  async one(accountId: bigint | null, name: string): Promise<Server> {
    const publicId = parsePublicId('vps', name)
    const number = parseNumber(name)
    if (publicId === undefined && number === undefined) throw new Refusal('not_found')
    const [server] = await readServers(this.#db, {
      accountId,
      where: publicId === undefined ? sql`s.id = ${number}` : sql`s.public_id = ${publicId}`,
      orderBy: sql`s.id`,
      limit: 1,
      offset: 0,
    })
    if (!server) throw new Refusal('not_found')
    return server
  }

  /** How servers are, by their number; null where their provider does not say in time. */
  async statusOf(servers: readonly Server[]): Promise<ReadonlyMap<bigint, ServerStatus | null>> {
    const found = new Map<bigint, ServerStatus | null>()
    const asked = [...Map.groupBy(servers, (server) => server.provider)].map(
      async ([provider, theirs]) => {
        const refs = theirs.map((server) => server.providerRef)
        const statuses = await ask(this.#compute.get(provider), refs)
        for (const server of theirs) {
          found.set(server.id, statuses?.get(server.providerRef) ?? null)
        }
      },
    )
    await Promise.all(asked)
    return found
  }
}

/** Longer than this no reader is kept waiting for how a server is. */
const STATUS_WITHIN_MS = 5_000

async function ask(
  driver: ComputeDriver | undefined,
  refs: readonly string[],
): Promise<ReadonlyMap<string, ServerStatus> | undefined> {
  if (!driver) return undefined
  const given = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => given.resolve(undefined), STATUS_WITHIN_MS)
  try {
    // A provider that fails is one that does not say: the server is shown without its status.
    return await Promise.race([driver.status(refs).catch(() => undefined), given.promise])
  } finally {
    clearTimeout(timer)
  }
}

function chosenBy(o: ServerFilter): RawBuilder<unknown> {
  const texts = [o.address, o.mainAddress, o.hostname, o.search]
  // PostgreSQL takes no such character in a text, and no name holds one.
  if (texts.some((text) => text?.includes('\0'))) return sql`false`
  const conditions: RawBuilder<unknown>[] = [sql`true`]
  if (o.states !== undefined) conditions.push(sql`s.state = any (${o.states}::text[])`)
  if (o.hostname !== undefined) conditions.push(sql`s.hostname = ${o.hostname}`)
  if (o.address !== undefined) conditions.push(withAddress(isAddress(o.address)))
  if (o.mainAddress !== undefined) {
    conditions.push(withAddress(sql`d.is_main and ${isAddress(o.mainAddress)}`))
  }
  if (o.search !== undefined) {
    const part = `%${o.search.replace(/[\\%_]/g, (special) => `\\${special}`)}%`
    conditions.push(
      sql`(s.hostname ilike ${part} or ${withAddress(sql`host(d.address) ilike ${part}`)})`,
    )
  }
  return sql.join(conditions, sql` and `)
}

/** Compared as an address, so that every way to write one finds it; what is none finds nothing. */
function isAddress(text: string): RawBuilder<unknown> {
  return sql`d.address = any (array(
    select t::inet from unnest(${[text]}::text[]) t where pg_input_is_valid(t, 'inet')))`
}

function withAddress(condition: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`exists (select from server_address d where d.server_id = s.id and ${condition})`
}

function orderBy(sort: ServerSort | undefined): RawBuilder<unknown> {
  if (sort === undefined) return sql`s.id desc`
  const column = sort.by === 'created_at' ? sql`s.created_at` : sql`u.expires_at`
  return sort.descending ? sql`${column} desc, s.id desc` : sql`${column}, s.id`
}
