import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { StartupError } from '../lib/startup-error.ts'
import { ADVISORY_LOCKS } from './advisory-locks.ts'
import { type BackupFile, type Manifest, openBackupFile, type StoredTable } from './backup-file.ts'
import { copyTarget, inPublic, listTables, openCopySession } from './copy-session.ts'
import { detachGuards } from './detach-guards.ts'
import { knownMigrations, migrateLocked } from './migrate.ts'

/** Tables that are never empty: migrations put rows there, and the backup's take their place. */
const SEEDED = new Set([
  'clean_up_mark',
  'epoch',
  'installation',
  'invoice_series',
  'migration',
  'tax_profile',
  'webhook_cursor',
])

/**
 * Fills a fresh database from a backup: its own schema first, then all rows in one transaction,
 * then the migrations that are newer. Events written afterwards sort after the restored ones.
 * Refuses (StartupError), before it touches anything: a damaged file, a backup of a newer schema
 * or of other migrations, a database that holds data or that a Purser is serving. The user of
 * `connection` owns the database; no superuser is needed.
 */
export async function restore(o: {
  connection: pg.ClientConfig
  file: string
  log: (line: string) => void
}): Promise<{ tables: number; rows: number }> {
  const backup = await openBackupFile(o.file)
  try {
    const { manifest } = backup
    await requireKnownSchema(manifest)
    o.log(`${o.file} is whole: schema ${manifest.schema}, taken at ${manifest.takenAt}`)
    const client = await openCopySession(o.connection, 'purser restore')
    try {
      await requireAlone(client)
      await requireFresh(client, manifest)
      await migrateLocked(client, manifest.schema)
      await client.query('begin')
      const rows = await load(client, backup, o.log)
      await client.query('commit')
      await migrateLocked(client)
      for (const { name } of await listTables(client)) {
        await client.query(`analyze ${inPublic(name)}`)
      }
      return { tables: manifest.tables.length, rows }
    } finally {
      // Ends the transaction too, where it is still open.
      await client.end()
    }
  } finally {
    backup.close()
  }
}

async function requireKnownSchema(manifest: Manifest): Promise<void> {
  const known = (await knownMigrations()).map((migration) => migration.name)
  if (manifest.schema > known.length) {
    throw new StartupError(
      `the backup has schema ${manifest.schema}, this version of Purser knows ${known.length}: ` +
        'restore it with the newer version',
    )
  }
  const differs = manifest.migrations.find((name, index) => name !== known[index])
  if (differs !== undefined || manifest.migrations.length !== manifest.schema) {
    throw new StartupError(
      `the backup was made by another Purser: its migrations differ (${differs ?? 'some missing'})`,
    )
  }
}

/** A Purser that starts meanwhile waits for the lock of migrations; one that runs is refused. */
async function requireAlone(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ locked: boolean; serving: boolean }>(
    `select pg_try_advisory_lock($1) as locked, exists (
      select from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()
        and application_name like 'purser%') as serving`,
    [ADVISORY_LOCKS.migration],
  )
  if (!rows[0]?.locked || rows[0].serving) {
    throw new StartupError('another Purser is using this database: stop it, then restore')
  }
}

async function requireFresh(client: pg.Client, manifest: Manifest): Promise<void> {
  const names = (await listTables(client)).map((table) => table.name)
  if (names.length === 0) return
  if (!names.includes('migration')) {
    throw new StartupError(`the database is not Purser's: it has a table ${names[0]}`)
  }
  const { rows } = await client.query<{ number: number; name: string }>(
    'select number, name from public.migration order by number',
  )
  const applied = rows.at(-1)?.number ?? 0
  if (applied > manifest.schema) {
    throw new StartupError(
      `the database already has schema ${applied} and the backup ${manifest.schema}: ` +
        'restore into an empty database',
    )
  }
  if (rows.some((row, index) => row.name !== manifest.migrations[index])) {
    throw new StartupError('the database was made by another Purser: its migrations differ')
  }
  await requireEmpty(client, names)
}

async function requireEmpty(client: pg.Client, names: readonly string[]): Promise<void> {
  const filled: string[] = []
  for (const name of names) {
    if (SEEDED.has(name)) continue
    const { rowCount } = await client.query(`select from ${inPublic(name)} limit 1`)
    if (rowCount !== 0) filled.push(name)
  }
  if (filled.length > 0) {
    throw new StartupError(
      `the database is not fresh, it has rows in ${filled.join(', ')}: ` +
        'restore into an empty database',
    )
  }
}

/** All that is written, within the caller's transaction. */
async function load(
  client: pg.Client,
  backup: BackupFile,
  log: (line: string) => void,
): Promise<number> {
  const { manifest } = backup
  const own = await listTables(client)
  const names = own.map((table) => table.name)
  await client.query(`lock table ${names.map(inPublic).join(', ')} in access exclusive mode`)
  await requireEmpty(client, names)
  const missing = names.filter((name) => !manifest.tables.some((table) => table.name === name))
  if (missing.length > 0) {
    throw new StartupError(`the backup has no table ${missing.join(', ')}`)
  }
  const attachGuards = await detachGuards(client)
  for (const name of names) {
    if (SEEDED.has(name)) await client.query(`delete from ${inPublic(name)}`)
  }
  let rows = 0
  for (const table of manifest.tables) {
    if (names.includes(table.name)) {
      log(`  ${table.name}: ${table.rows} rows`)
      rows += await loadTable(client, backup, table)
    } else {
      log(`  ${table.name}: left out, it is no table of Purser's`)
      for await (const _ of backup.readTable(table));
    }
  }
  await attachGuards()
  for (const { name, next } of manifest.sequences) {
    // Unlike setval, this is undone with the transaction.
    await client.query(`alter sequence if exists ${inPublic(name)} restart with ${BigInt(next)}`)
  }
  const epoch = await beginEpoch(client)
  await skipNumbers(client, { manifest, epoch })
  return rows
}

async function loadTable(
  client: pg.Client,
  backup: BackupFile,
  table: StoredTable,
): Promise<number> {
  const sink = client.query(copyFrom(`copy ${copyTarget(table)} from stdin`))
  await pipeline(backup.readTable(table), sink)
  if (sink.rowCount !== table.rows) {
    throw new Error(`${table.name}: ${sink.rowCount} rows came in, the backup has ${table.rows}`)
  }
  return table.rows
}

/**
 * Transaction ids start low again here, and events are ordered by them, so a cursor that was
 * given out before must not be compared with them: the epoch, which comes first, moves up. It
 * follows the time (seconds since 2025), so that two restorations of one backup differ as well.
 */
async function beginEpoch(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ epoch: number }>(`
    update public.installation set restore_epoch = greatest(
      restore_epoch + 1,
      floor(extract(epoch from clock_timestamp() - timestamptz '2025-01-01 00:00:00Z'))::integer)
    returning restore_epoch as epoch`)
  const epoch = rows[0]?.epoch
  if (epoch === undefined) throw new Error('the backup has no row of installation')
  await client.query(
    `alter table public.event alter column restore_epoch set default ${Math.trunc(epoch)}`,
  )
  return epoch
}

/** More than are given out in a second. */
const NUMBERS_A_SECOND = 1_000n
/** Numbers under which somebody outside takes money, once for each. */
const NEVER_AGAIN = ['card_charge_id_seq']

/**
 * A gateway remembers the charges that were made after the backup. A new one under such a number
 * would be answered as made, and nothing be taken: so numbers go on past all that may have been
 * given out by now.
 */
async function skipNumbers(
  client: pg.Client,
  o: { manifest: BackupFile['manifest']; epoch: number },
): Promise<void> {
  const past = BigInt(o.epoch) * NUMBERS_A_SECOND
  for (const { name, next } of o.manifest.sequences) {
    if (!NEVER_AGAIN.includes(name) || BigInt(next) > past) continue
    await client.query(`alter sequence if exists ${inPublic(name)} restart with ${past}`)
  }
}
