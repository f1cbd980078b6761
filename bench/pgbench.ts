import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram, runProgram } from './program.ts'
import type { PurserProcess } from './purser-process.ts'
import { CHARGE_MICROS, CURRENCY, QUANTITY, type Shop } from './shop.ts'

/** Orders of pgbench are numbered from here, where Purser never comes. */
export const PGBENCH_FIRST_ID = 1_000_000_000_000n

export interface PgbenchResult {
  readonly perSecond: number
  readonly meanMs: number
  /** Transactions. */
  readonly count: number
}

export function findPgbench(): string | undefined {
  return findProgram('pgbench')
}

/** Runs `script` over and over, one transaction each, on so many connections for a while. */
export async function runPgbench(
  purser: PurserProcess,
  o: { program: string; dir: string; clients: number; seconds: number; script: string },
): Promise<PgbenchResult> {
  const { host, port, user, password, database } = purser.connection
  const script = join(o.dir, 'pgbench.sql')
  await writeFile(script, o.script)
  const output = await runProgram(
    o.program,
    [
      ...['-h', host, '-p', String(port), '-U', user],
      ...['-M', 'prepared', '-n', '-c', String(o.clients), '-j', '2'],
      ...['-T', String(o.seconds), '-f', script, database],
    ],
    { ...process.env, PGPASSWORD: password },
  )
  const figure = (pattern: RegExp) => Number(pattern.exec(output)?.[1] ?? Number.NaN)
  const result = {
    perSecond: figure(/^tps = ([\d.]+)/m),
    meanMs: figure(/^latency average = ([\d.]+) ms/m),
    count: figure(/^number of transactions actually processed: (\d+)/m),
  }
  if (!Number.isFinite(result.perSecond + result.count)) {
    throw new Error(`pgbench printed no result:\n${output}`)
  }
  return result
}

/** An order for a random one of the wallets numbered `from` to `to` (as in the shop, from 1). */
export function placeOneScript(wallets: { from: number; to: number }): string {
  return `\\set at random(${wallets.from}, ${wallets.to})\nselect bench.place_one(:at);\n`
}

/**
 * Creates `bench.place_one`: one row for each that `add` writes, into the live tables, in the
 * fewest statements; triggers and constraints are the live ones. It looks nothing up: not the key,
 * not the balance, not the prices. The workers leave its orders alone (they are due tomorrow), so
 * that they burden no later round.
 */
export async function createPlaceOne(purser: PurserProcess, shop: Shop): Promise<void> {
  const list = (of: (wallet: Shop['wallets'][number]) => bigint) =>
    `('{${shop.wallets.map(of).join(',')}}'::bigint[])[p_at]`
  await purser.database.pool.query(`
    create schema bench;
    create sequence bench.order_id as bigint start with ${PGBENCH_FIRST_ID} cache 1000;
    create function bench.place_one(p_at integer) returns bigint language plpgsql as $$
    declare
      order_id bigint := nextval('bench.order_id');
      owner bigint := ${list((wallet) => wallet.accountId)};
      wallet bigint := ${list((wallet) => wallet.walletId)};
      key_used bigint := ${list((wallet) => wallet.keyId)};
      at_time timestamptz := now();
    begin
      insert into service_order (id, account_id, api_key_id, service_id, quantity, link, currency,
        list_charge, charge, remains, provider, look_at, idempotency_key, request_hash,
        created_at, updated_at)
      values (order_id, owner, key_used, ${shop.serviceId}, ${QUANTITY},
        'https://shop.example/item/' || p_at, '${CURRENCY}', ${CHARGE_MICROS}, ${CHARGE_MICROS},
        ${QUANTITY}, 'simulated', at_time + interval '1 day', gen_random_uuid()::text,
        '\\x0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', at_time, at_time);
      insert into transfer (debit_id, credit_id, amount, currency, cause_kind, cause_id,
        account_id, created_at)
      values (wallet, ${shop.revenueId}, ${CHARGE_MICROS}, '${CURRENCY}', 'order', order_id, owner,
        at_time);
      insert into event (kind, subject_id, account_id, actor_kind, actor_id, created_at)
      values ('order.placed', order_id, owner, 'key', key_used, at_time);
      return order_id;
    end
    $$`)
}

export async function dropPlaceOne(purser: PurserProcess): Promise<void> {
  await purser.database.pool.query('drop schema bench cascade')
}
