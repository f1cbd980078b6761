import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import type { DB } from './schema.ts'
import { types } from './types.ts'

/**
 * A handle for reading: whoever writes rows of the shop is given a Tx. It has none of Kysely's
 * verbs that write; that raw SQL on it only reads, `tidy` cannot see and the reader has to.
 */
export type Db = Pick<Kysely<DB>, 'selectFrom' | 'with' | 'getExecutor' | 'fn'>
/**
 * A transaction in progress. Begun and committed by the funnel, by the claims of deliveries and by
 * the checkpoint of the ledger; `place_orders` is a transaction of its own.
 */
export type Tx = Transaction<DB>

export interface Database {
  readonly db: Db
  readonly pool: pg.Pool
  /** Begins, runs `body`, commits; a deadlock or a serialization failure runs it again. */
  transaction<T>(body: (tx: Tx) => Promise<T>): Promise<T>
  /** Reads as of one moment: every query of `body` sees the same, and none can write. */
  snapshot<T>(body: (db: Db) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export type ConnectionSettings = Pick<
  pg.PoolConfig,
  'host' | 'port' | 'user' | 'password' | 'database' | 'connectionString' | 'ssl'
>

/**
 * For connections that only look up by index: what is prepared on them while a table is small is
 * as good when it has grown, whether or not its statistics have.
 */
const INDEXES_ONLY = ' -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off'

const CONNECT_WITHIN_MS = 5_000
const ATTEMPTS_MAX = 4
const SERIALIZATION_FAILURE = '40001'
const DEADLOCK_DETECTED = '40P01'

/** Opens a pool on `connection`. `max` is the number of connections this process may hold. */
export function openDatabase(
  connection: ConnectionSettings,
  o: {
    max?: number
    applicationName?: string
    queryTimeoutMs?: number
    /** How long a connection is waited for, free or new; left out: five seconds. */
    connectWithinMs?: number
    indexesOnly?: boolean
  } = {},
): Database {
  const pool = new pg.Pool({
    ...connection,
    types,
    max: o.max ?? 10,
    application_name: o.applicationName ?? 'purser',
    // A commit is only reported once it is on disk, whatever the server's default says.
    options: `-c synchronous_commit=on -c timezone=UTC${o.indexesOnly ? INDEXES_ONLY : ''}`,
    connectionTimeoutMillis: o.connectWithinMs ?? CONNECT_WITHIN_MS,
    idle_in_transaction_session_timeout: 15_000,
    // Without one a database that no longer answers, though the connection stands, is waited for.
    ...(o.queryTimeoutMs === undefined ? {} : { query_timeout: o.queryTimeoutMs }),
    keepAlive: true,
  })
  // A connection that breaks says so to whoever waits for an answer on it, or is dropped by the
  // pool while idle. Its event besides would end the process where nobody listens.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  const kysely = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) })
  return {
    db: kysely,
    pool,
    async transaction(body) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await kysely.transaction().execute(body)
        } catch (error) {
          const code = (error as { code?: unknown }).code
          const passing = code === SERIALIZATION_FAILURE || code === DEADLOCK_DETECTED
          if (!passing || attempt === ATTEMPTS_MAX) throw error
        }
      }
    },
    snapshot: (body) =>
      kysely
        .transaction()
        .setIsolationLevel('repeatable read')
        .setAccessMode('read only')
        .execute(body),
    close: () => kysely.destroy(),
  }
}
