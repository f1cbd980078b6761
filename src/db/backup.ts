import type pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { StartupError } from '../lib/startup-error.ts'
import { type BackupTable, type ManifestHead, writeBackupFile } from './backup-file.ts'
import { copyTarget, inPublic, listTables, openCopySession } from './copy-session.ts'

/**
 * Copies every table, as it is at one moment, into `file`, while Purser goes on serving. The
 * file appears under its name only when it is whole, on disk, and has been read again. Memory
 * does not grow with the database. Refuses (StartupError) a database that is not Purser's and a
 * file that cannot be written.
 */
export async function backup(o: {
  connection: pg.ClientConfig
  file: string
  log: (line: string) => void
}): Promise<{ tables: number; rows: number }> {
  const client = await openCopySession(o.connection, 'purser backup')
  try {
    const tables = await beginSnapshot(client)
    const head = await describe(client)
    o.log(`copying ${tables.length} tables of schema ${head.schema}`)
    const sources = tables.map((table) => ({
      ...table,
      open() {
        o.log(`  ${table.name}`)
        return client.query(copyTo(`copy ${copyTarget(table)} to stdout`))
      },
    }))
    const manifest = await writeBackupFile(o.file, head, sources)
    const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0)
    o.log(`${o.file} is on disk and was read again`)
    return { tables: tables.length, rows }
  } finally {
    await client.end()
  }
}

/**
 * The tables are locked before the snapshot is taken: a migration that rewrites one of them
 * has either ended before, or waits until the backup has ended.
 */
async function beginSnapshot(client: pg.Client): Promise<BackupTable[]> {
  const before = await listTables(client)
  if (!before.some((table) => table.name === 'migration')) {
    throw new StartupError('there is nothing to back up: this is not a database of Purser')
  }
  await client.query('begin transaction isolation level repeatable read, read only')
  const names = before.map((table) => inPublic(table.name)).join(', ')
  await client.query(`lock table ${names} in access share mode`)
  const tables = await listTables(client)
  if (JSON.stringify(tables) !== JSON.stringify(before)) {
    throw new StartupError('a migration ran as the backup began: run the backup again')
  }
  return tables
}

/**
 * Sequences do not belong to a snapshot. Read after it was taken, they are past every number
 * that it holds.
 */
async function describe(client: pg.Client): Promise<ManifestHead> {
  const migrations = await client.query<{ number: number; name: string }>(
    'select number, name from public.migration order by number',
  )
  const about = await client.query<{ major: number; taken_at: Date }>(`
    select current_setting('server_version_num')::integer / 10000 as major, now() as taken_at`)
  const { major, taken_at } = about.rows[0]!
  const names = await client.query<{ name: string; increment: string }>(`
    select c.relname::text as name, s.seqincrement::text as increment
    from pg_class c join pg_sequence s on s.seqrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relpersistence = 'p'
      and not exists (
        select from pg_depend d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    order by c.relname collate "C"`)
  const sequences: { name: string; next: string }[] = []
  for (const { name, increment } of names.rows) {
    const { rows } = await client.query<{ next: string }>(
      `select (last_value + case when is_called then $1::bigint else 0 end)::text as next
      from ${inPublic(name)}`,
      [increment],
    )
    sequences.push({ name, next: rows[0]!.next })
  }
  return {
    schema: migrations.rows.at(-1)?.number ?? 0,
    migrations: migrations.rows.map((row) => row.name),
    postgresMajor: major,
    takenAt: taken_at.toISOString(),
    sequences,
  }
}
