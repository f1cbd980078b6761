import pg from 'pg'
import { inPublic } from './copy-session.ts'

const FIRES: Readonly<Record<string, string>> = {
  O: 'enable trigger',
  A: 'enable always trigger',
  R: 'enable replica trigger',
}

/**
 * Takes foreign keys and triggers away, so that rows can be loaded in any order and a transfer
 * does not move a balance a second time; returns what puts them back as they were. Foreign keys
 * are then checked for all rows at once. Only the owner's rights are needed.
 */
export async function detachGuards(client: pg.Client): Promise<() => Promise<void>> {
  const foreignKeys = await client.query<{ table: string; name: string; definition: string }>(`
    select c.relname::text as table, k.conname::text as name,
      pg_get_constraintdef(k.oid) as definition
    from pg_constraint k join pg_class c on c.oid = k.conrelid
    where k.contype = 'f' and c.relnamespace = 'public'::regnamespace
    order by c.relname, k.conname`)
  const triggers = await client.query<{ table: string; name: string; fires: string }>(`
    select c.relname::text as table, t.tgname::text as name, t.tgenabled::text as fires
    from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where not t.tgisinternal and t.tgenabled <> 'D' and c.relnamespace = 'public'::regnamespace
    order by c.relname, t.tgname`)

  async function alter(table: string, action: string, name: string, rest = ''): Promise<void> {
    await client.query(
      `alter table ${inPublic(table)} ${action} ${pg.escapeIdentifier(name)} ${rest}`,
    )
  }
  for (const key of foreignKeys.rows) await alter(key.table, 'drop constraint', key.name)
  for (const trigger of triggers.rows) await alter(trigger.table, 'disable trigger', trigger.name)
  return async () => {
    for (const { table, name, fires } of triggers.rows) await alter(table, FIRES[fires]!, name)
    for (const { table, name, definition } of foreignKeys.rows) {
      await alter(table, 'add constraint', name, definition)
    }
  }
}
