import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { StartupError } from '../lib/startup-error.ts'
import { ADVISORY_LOCKS } from './advisory-locks.ts'

const FOLDER = fileURLToPath(new URL('../../migrations/', import.meta.url))

export interface Migration {
  readonly number: number
  readonly name: string
  readonly sql: string
}

/** The migrations that this version knows, in order. Their numbers are 1, 2, 3 … */
export async function knownMigrations(): Promise<Migration[]> {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.sql')).sort()
  return Promise.all(
    files.map(async (file, index) => {
      const number = Number(file.slice(0, 4))
      if (number !== index + 1) throw new Error(`migration ${file} is out of order`)
      return { number, name: file, sql: await readFile(`${FOLDER}${file}`, 'utf8') }
    }),
  )
}

/**
 * Brings the database up to this version, one transaction for each migration, under an advisory
 * lock. Refuses (StartupError) a database that a newer version has already changed.
 */
export async function migrate(config: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(config)
  await client.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCKS.migration])
    await migrateLocked(client)
  } finally {
    await client.end()
  }
}

/** The same on a connection that holds the lock of migrations, as far as migration `upTo`. */
export async function migrateLocked(client: pg.Client, upTo?: number): Promise<void> {
  await client.query("set lock_timeout = '10s'")
  await client.query(`
    create table if not exists migration (
      number integer not null,
      name text not null,
      applied_at timestamptz not null default now(),
      constraint migration_pkey primary key (number)
    )`)
  const known = await knownMigrations()
  const applied = (
    await client.query<{ number: number }>('select number from migration order by number')
  ).rows.map((row) => row.number)
  const newest = applied.at(-1) ?? 0
  if (newest > known.length) {
    throw new StartupError(
      `the database has schema ${newest}, this version of Purser knows ${known.length}: ` +
        'start the newer version, or restore a backup made with this one',
    )
  }
  for (const migration of known.slice(newest, upTo)) await apply(client, migration)
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  await client.query('begin')
  try {
    await client.query(migration.sql)
    await client.query('insert into migration (number, name) values ($1, $2)', [
      migration.number,
      migration.name,
    ])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw new Error(`migration ${migration.name} failed`, { cause: error })
  }
}
