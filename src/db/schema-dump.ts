import pg from 'pg'

/**
 * The schema of a database as SQL that makes it again, written from the catalogue: the same text
 * for the same schema, whatever the order of its migrations. Only schema public, no privileges.
 */
export async function dumpSchema(connection: pg.ClientConfig): Promise<string> {
  const client = new pg.Client(connection)
  await client.connect()
  try {
    // Names of public without their schema, all others with it.
    await client.query("set search_path = public; set timezone = 'UTC'")
    const tables = await listTables(client)
    const sections: string[] = [
      '-- The schema after all migrations, written by `npm run schema`. Do not edit.\n',
      ...(await listSequences(client)),
      ...(await listFunctions(client)),
    ]
    for (const table of tables) sections.push(await describeTable(client, table))
    const foreignKeys = await readLines(client, FOREIGN_KEYS)
    if (foreignKeys.length > 0) sections.push(foreignKeys.join(''))
    const triggers = await readLines(client, TRIGGERS)
    if (triggers.length > 0) sections.push(triggers.join(''))
    const comments = await readLines(client, COMMENTS)
    if (comments.length > 0) sections.push(comments.join(''))
    return sections.join('\n')
  } finally {
    await client.end()
  }
}

/** What belongs to an extension comes with the extension. */
function isOwn(catalogue: string, oid: string): string {
  return `not exists (select from pg_depend x where x.classid = '${catalogue}'::regclass
    and x.objid = ${oid} and x.deptype = 'e')`
}

const FOREIGN_KEYS = `
  select format(E'alter table %I add constraint %I\\n  %s;\\n', c.relname, k.conname,
    pg_get_constraintdef(k.oid)) as line
  from pg_constraint k join pg_class c on c.oid = k.conrelid
  where k.contype = 'f' and c.relnamespace = 'public'::regnamespace
    and ${isOwn('pg_class', 'c.oid')}
  order by c.relname collate "C", k.conname collate "C"`

const TRIGGERS = `
  select pg_get_triggerdef(t.oid, true) || E';\\n' || case t.tgenabled
      when 'O' then ''
      else format(E'alter table %I %s trigger %I;\\n', c.relname,
        case t.tgenabled when 'D' then 'disable' when 'A' then 'enable always'
          else 'enable replica' end, t.tgname)
    end as line
  from pg_trigger t join pg_class c on c.oid = t.tgrelid
  where not t.tgisinternal and c.relnamespace = 'public'::regnamespace
    and ${isOwn('pg_class', 'c.oid')}
  order by c.relname collate "C", t.tgname collate "C"`

const COMMENTS = `
  select format(E'comment on %s %s is\\n  %L;\\n', o.type, o.identity, d.description) as line
  from pg_description d,
    pg_identify_object(d.classoid, d.objoid, d.objsubid) o
  where o.schema = 'public' and not exists (select from pg_depend x
    where x.classid = d.classoid and x.objid = d.objoid and x.deptype = 'e')
  order by o.type collate "C", o.identity collate "C"`

async function readLines(client: pg.Client, query: string): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(query)
  return rows.map((row) => row.line)
}

/** Sequences that stand alone; an identity column makes its own. */
function listSequences(client: pg.Client): Promise<string[]> {
  return readLines(
    client,
    `select format(E'create sequence %I as %s increment by %s minvalue %s maxvalue %s start with %s'
      || E' cache %s%s;\\n', c.relname, format_type(s.seqtypid, null), s.seqincrement, s.seqmin,
      s.seqmax, s.seqstart, s.seqcache, case when s.seqcycle then ' cycle' else '' end) as line
    from pg_sequence s join pg_class c on c.oid = s.seqrelid
    where c.relnamespace = 'public'::regnamespace and ${isOwn('pg_class', 'c.oid')}
      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass
        and d.objid = c.oid and d.deptype = 'i')
    order by c.relname collate "C"`,
  )
}

function listFunctions(client: pg.Client): Promise<string[]> {
  return readLines(
    client,
    `select rtrim(pg_get_functiondef(p.oid), E'\\n') || E';\\n' as line
    from pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.prokind in ('f', 'p')
      and ${isOwn('pg_proc', 'p.oid')}
    order by p.proname collate "C", pg_get_function_identity_arguments(p.oid) collate "C"`,
  )
}

interface Table {
  readonly oid: number
  readonly quoted: string
  readonly unlogged: boolean
  readonly options: string | null
}

async function listTables(client: pg.Client): Promise<Table[]> {
  const { rows } = await client.query<Table>(`
    select c.oid, quote_ident(c.relname) as quoted, c.relpersistence = 'u' as unlogged,
      array_to_string(c.reloptions, ', ') as options
    from pg_class c
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
      and ${isOwn('pg_class', 'c.oid')}
    order by c.relname collate "C"`)
  return rows
}

async function describeTable(client: pg.Client, table: Table): Promise<string> {
  const columns = await readLines(client, `${COLUMNS} where a.attrelid = ${table.oid} ${LIVE}`)
  const constraints = await readLines(
    client,
    `select format('constraint %I %s', k.conname, pg_get_constraintdef(k.oid, true)) as line
    from pg_constraint k
    where k.conrelid = ${table.oid} and k.contype in ('p', 'u', 'c', 'x')
    order by position(k.contype::text in 'puxc'), k.conname collate "C"`,
  )
  const indexes = await readLines(
    client,
    `select pg_get_indexdef(i.indexrelid) || E';\\n' as line
    from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = ${table.oid}
      and not exists (select from pg_constraint k where k.conindid = i.indexrelid
        and k.contype in ('p', 'u', 'x'))
    order by c.relname collate "C"`,
  )
  const head = `create ${table.unlogged ? 'unlogged ' : ''}table ${table.quoted}`
  const tail = table.options === null ? '' : ` with (${table.options})`
  const lines = [...columns, ...constraints].map((line) => `  ${line}`).join(',\n')
  return `${head} (\n${lines}\n)${tail};\n${indexes.join('')}`
}

const COLUMNS = `
  select format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
    || coalesce(' collate ' || (select quote_ident(l.collname) from pg_collation l, pg_type y
      where l.oid = a.attcollation and y.oid = a.atttypid and l.oid <> y.typcollation), '')
    || case when a.attnotnull then ' not null' else '' end
    || case
      when a.attidentity <> '' then
        format(' generated %s as identity',
          case a.attidentity when 'a' then 'always' else 'by default' end)
        || (select case when s.seqcache = 1 and s.seqincrement = 1 and s.seqstart = 1 then ''
            else format(' (increment by %s start with %s cache %s)', s.seqincrement, s.seqstart,
              s.seqcache) end
          from pg_sequence s
          where s.seqrelid = pg_get_serial_sequence(quote_ident(t.relname), a.attname)::regclass)
      when a.attgenerated <> '' then
        format(' generated always as (%s)%s', pg_get_expr(d.adbin, d.adrelid),
          case a.attgenerated when 's' then ' stored' else '' end)
      when d.oid is not null then ' default ' || pg_get_expr(d.adbin, d.adrelid)
      else ''
    end as line
  from pg_attribute a join pg_class t on t.oid = a.attrelid
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum`

const LIVE = 'and a.attnum > 0 and not a.attisdropped order by a.attnum'
