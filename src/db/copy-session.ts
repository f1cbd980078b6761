import pg from 'pg'
import { StartupError } from '../lib/startup-error.ts'
import type { BackupTable } from './backup-file.ts'

/**
 * A connection whose settings make COPY text mean the same on every server, and which no time
 * limit of the server or the role breaks off. Refuses (StartupError) a server that is not there.
 */
export async function openCopySession(
  connection: pg.ClientConfig,
  applicationName: string,
): Promise<pg.Client> {
  const client = new pg.Client({
    ...connection,
    application_name: applicationName,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  })
  // What runs when the connection breaks learns of it; without a listener the process would end.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new StartupError(`the database cannot be reached: ${reason}`)
  }
  await client.query(`
    set client_encoding = 'UTF8'; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres';
    set timezone = 'UTC'; set bytea_output = 'hex'; set extra_float_digits = 3;
    set row_security = off; set synchronous_commit = on; set lock_timeout = '30s';
    select set_config(name, '0', false) from pg_settings where name in (
      'statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')`)
  return client
}

/**
 * The tables of schema public that outlive a crash, with the columns that hold data of their own,
 * by name. Those of extensions are not Purser's.
 */
export async function listTables(client: pg.Client): Promise<BackupTable[]> {
  const { rows } = await client.query<{ name: string; columns: string[] }>(`
    select c.relname::text as name, array_agg(a.attname::text order by a.attnum) as columns
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relpersistence = 'p'
      and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      and not exists (
        select from pg_depend d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    group by c.relname
    order by c.relname collate "C"`)
  return rows
}

/** A name of schema public, quoted. */
export function inPublic(name: string): string {
  return `public.${pg.escapeIdentifier(name)}`
}

/** `public.t (a, b)`: what COPY reads or writes. */
export function copyTarget(table: BackupTable): string {
  return `${inPublic(table.name)} (${table.columns.map((c) => pg.escapeIdentifier(c)).join(', ')})`
}
