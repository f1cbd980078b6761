/** A database with rows in every table and with every kind of value that is hard to copy. */
import type pg from 'pg'

/** Texts that COPY, JSON or a careless reader could change. */
const HARD_TEXTS = [
  '',
  '\\N',
  '\\.',
  '\\',
  'a\tb\nc\rd\b\f\v',
  'null',
  '\u0001\u007f',
  '"quoted" \'twice\', with; $$ and {braces}',
  'Ærøskøbing 東京 🚢🏴‍☠️ שלום \u202e\u200f \u{10ffff}',
  ' leading and trailing ',
  '\\x00 \\u0000 \\\\ %s',
  'x'.repeat(3_000_000),
]

/** Wallet ids of the customers 1 to `CUSTOMERS` are their account ids; revenue is 1000. */
export const CUSTOMERS = 20

export async function fillDatabase(client: pg.Client): Promise<void> {
  await client.query(`
    insert into account (id, email, name, currency, time_zone, created_at, updated_at)
    select i, 'c' || i || '@example.test', 'Customer ' || i, 'USD', 'Europe/Sofia', '2026-01-01',
      'infinity'
    from generate_series(1, ${CUSTOMERS}) i;
    alter sequence account_id_seq restart with 500;
    insert into ledger_account (id, kind, account_id, currency, balance, floor)
    select i, 'wallet', i, 'USD', 0, 0 from generate_series(1, ${CUSTOMERS}) i;
    insert into ledger_account (id, kind, currency)
    values (1000, 'revenue', 'USD'), (1001, 'credit_granted', 'USD');
    alter sequence ledger_account_id_seq restart with 2000;
    insert into transfer (debit_id, credit_id, amount, currency, cause_kind, cause_id, account_id,
      created_at)
    select 1001, i, 9000000000000000, 'USD', 'credit', i, i, '2026-01-02'
    from generate_series(1, ${CUSTOMERS}) i;
    insert into service_category (name) values ('Work');
    insert into service (category_id, name, type, min_quantity, max_quantity, created_at,
      updated_at)
    select 1, 'Service ' || i, 'Default', 1, 9223372036854775807, '-infinity', '0044-03-15 BC'
    from generate_series(1, 5) i;
    insert into service_price (service_id, currency, rate)
    select id, 'USD', 900000 from service;
    insert into account_user (account_id, email, password_hash, created_at)
    values (1, 'user@example.test', '$argon2id$', now());
    insert into operator (email, name, password_hash, created_at)
    values ('op@example.test', 'Op', '$argon2id$', now());
    insert into session (token_hash, user_id, created_at, expires_at)
    values ('\\x00ff5c6e0a', 1, now(), now() + interval '1 microsecond');
    insert into credit (account_id, amount, currency, reason, created_at)
    values (1, -9223372036854775808, 'USD', e'a\\tb', now());
    insert into hold (account_id, amount, currency, subject_kind, subject_id, created_at)
    values (1, 1, 'USD', 'test', 1, now());
    insert into service_pace values (1, 3600, 7, now());
    insert into service_provider (service_id, position, provider, upstream_service, margin_ppm)
    values (1, 1, 'big-panel', e'a\\tb', 50000);
    insert into upstream (name, url, api_key, look_at, created_at, updated_at)
    values ('big-panel', 'https://panel.example/api/v2', 'sealed', 'infinity', now(), now());
    insert into upstream_service (upstream_id, service, name, type, category, rate, min_quantity,
      max_quantity, seen_at)
    values (1, '1', 'Tags', 'Default', 'Work', 9223372036854775807, 1, 2, now());
    insert into upstream_margin values (1, 1, 50000, 9223372036854775807);
    insert into notice (kind, subject, data, created_at, updated_at)
    values ('upstream.balance', '1', '{"balance": "1.00"}', now(), now());
    insert into discount_group (name, discount_ppm, created_at, updated_at)
    values ('Resellers', 1000000, now(), now());
    insert into account_rate values (1, 1, 9223372036854775807);
    insert into webhook_endpoint (public_id, account_id, url, secret, created_at, updated_at)
    values ('00000000-0000-0000-0000-000000000000', 1, 'https://shop.example', 'sealed', now(),
      now());
    insert into webhook_message (endpoint_id, account_id, order_id, event_id, body, next_at,
      created_at)
    values (1, 1, 1, 'evt_1', e'{"order_id":1}\\n', now(), now());
    insert into simulated_post values ('anna', 1, 'https://posts.example/1', now());
    insert into simulated_refill values (1, 1, 'completed', now(), now());
    insert into simulated_fault (operation, fault, times) values ('deliver', 'timeout', 2147483647);
    insert into ledger_checkpoint (transfer_id, seen_transfer_id, seen_xid, verified_xid,
      restore_epoch, taken_at)
    values (1, 2, pg_current_xact_id(), '18446744073709551615', 0, now());
    insert into ledger_checkpoint_balance values
      (1, 'NaN', 'Infinity'), (2, -0.000, 123456789012345678901234567890.0000000000001);
    insert into rate_window values ('lost', now(), 1)`)
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  await client.query(
    `insert into api_key (account_id, name, prefix, hash, scopes, created_at)
    values (1, 'key', 'pk_', $1, $2, now())`,
    [everyByte, HARD_TEXTS.filter((text) => text.length < 1000)],
  )
  for (const [index, text] of HARD_TEXTS.entries()) {
    await client.query(
      `insert into idempotency (owner_kind, owner_id, key, operation, input_hash, result, created_at)
      values ('operator', 1, $1, $2, '', $3, now())`,
      [`key-${index}`, text, JSON.stringify({ text, numbers: [-0.0, 1e300, 0.1] })],
    )
    await client.query('update service set description = $1 where id = $2', [text, (index % 5) + 1])
  }
  await placeOrders(client, 50)
  await client.query(`
    insert into order_refund (order_id, account_id, cause, amount, created_at)
    select id, account_id, 'partial', 1, now() from service_order order by id limit 3;
    insert into post_watch (order_id, cursor, updated_at)
    select id, 'c', now() from service_order order by id limit 2;
    insert into refill (order_id, account_id, created_at, updated_at)
    select id, account_id, now(), now() from service_order order by id limit 2;
    insert into refill_work (refill_id, order_id, provider, order_ref, look_at)
    select id, order_id, 'simulated', 'sim-1', now() from refill;
    insert into correction (order_id, account_id, reported_state, remains, amount, created_at)
    select id, account_id, 'partial', 1, 1, now() from service_order order by id limit 2;
    insert into manual_work (order_id, operator_id, claimed_at)
    select id, 1, now() from service_order order by id limit 1;
    insert into simulated_delivery (order_id, quantity, start_count, delivered_in_the_end,
      started_at, ends_at)
    select id, quantity, 0, 1, now(), now() from service_order order by id limit 3`)
  await fillServers(client)
  await fillPurchases(client)
}

async function fillServers(client: pg.Client): Promise<void> {
  await client.query(`
    insert into tax_profile (name, rate_ppm, prices_include_tax) values ('VAT 20 %', 200000, true);
    insert into plan (public_id, key, name, vcpus, memory_mb, disk_gb, bandwidth_gb, created_at,
      updated_at)
    values (gen_random_uuid(), 'cloud-vps-2gb', e'Cloud\tVPS', 2, 2048, 40, 0, now(), 'infinity');
    insert into plan_price values (1, 'USD', 1, 0), (1, 'USD', 24, 9223372036854775807);
    insert into addon (public_id, key, family, name, created_at, updated_at)
    values (gen_random_uuid(), 'cpanel-pro-30', 'cpanel', 'cPanel & WHM', now(), now());
    insert into addon_price values (1, 'USD', 1, 1000000);
    insert into promo_code (code, percent_ppm, plan_id, valid_until, created_at)
    values ('Ænd%_\\', 1000000, 1, '-infinity', now()), ('ALL', 1, null, null, now());
    insert into server (public_id, account_id, plan_id, provider, provider_ref, hostname, location,
      image_name, image_family, image_version, state, suspended_for, state_told, look_at,
      lease_worker, lease_until, locked_at, created_at, updated_at)
    values
      (gen_random_uuid(), 1, 1, 'simulated', 'sim-1', 'web-1', 'Sofia', 'Ubuntu', 'ubuntu', '24.04',
        'active', null, true, null, null, null, null, now(), now()),
      (gen_random_uuid(), 2, 1, 'simulated', 'sim-2', '', '', '', '', '', 'suspended', 'unpaid',
        false, now(), gen_random_uuid(), 'infinity', now(), now(), now());
    insert into server_address (server_id, version, address, gateway, prefix, is_main, ptr)
    values (1, 4, '192.0.2.1', '192.0.2.254', 24, true, null),
      (1, 6, '2001:db8::ffff:0:1', 'fe80::1', 64, false, 'web-1.example');
    insert into simulated_server (ref, power_since, paid_until) values ('sim-1', now(), 'infinity');
    insert into simulated_charge values (1, 'card-1', 5000000, 'USD', now());
    insert into card (account_id, gateway, gateway_ref, brand, last_four, created_at)
    values (1, 'simulated', 'card-1', 'visa', '0042', now())`)
}

/** A paid purchase, one that is being paid, one that was voided, and one that a card pays for. */
async function fillPurchases(client: pg.Client): Promise<void> {
  await client.query(`
    insert into subscription (public_id, account_id, kind, server_id, plan_id, addon_id,
      billing_cycle, time_zone, anchor_day, expires_at, next_invoice_at, created_at, updated_at)
    values
      (gen_random_uuid(), 1, 'server', 1, 1, null, 1, 'Africa/Cairo', 31, '2026-02-28', now(),
        now(), now()),
      (gen_random_uuid(), 1, 'server-addon', 1, null, 1, 24, 'UTC', 1, '2026-02-28', null, now(),
        now());
    insert into purchase (account_id, state, currency, tax_rate_ppm, net, gross, auto_pay,
      promo_code_id, due_at, hold_id, look_at, paid_at, paying_key, created_at, updated_at)
    values
      (1, 'paid', 'USD', 200000, 8, 10, true, 1, now(), 1, null, now(), null, now(), now()),
      (1, 'processing', 'USD', 0, 0, 0, false, null, now(), null, now(), null, '\\N', now(), now()),
      (1, 'cancelled', 'USD', 0, 1, 1, false, null, now(), null, null, null, null, now(), now());
    insert into purchase_line (purchase_id, account_id, position, subscription_id, kind, label,
      sublabel, period_from, period_to, billing_cycle, list_net, list_gross, net, gross,
      is_cancelled)
    values
      (10001, 1, 1, 1, 'server', e'Renewal:\n', '', '2026-01-31', '2026-02-28', 1, 9, 11, 8, 10,
        false),
      (10002, 1, 1, 1, 'server', 'x', null, '2026-02-28', '2026-03-31', 1, 0, 0, 0, 0, false),
      (10003, 1, 1, 2, 'server-addon', 'x', null, '2026-02-28', 'infinity', 1, 1, 1, 1, 1, true);
    insert into subscription_period
    values (1, '-infinity', '2026-01-31', 1, 1, null, now()),
      (1, '2026-01-31', '2026-02-28', 1, 1, 1, now());
    insert into invoice (public_id, account_id, purchase_id, state, number, currency, tax_rate_ppm,
      net, gross, issued_on, due_at, created_at, updated_at, paid_at)
    values
      (gen_random_uuid(), 1, 10001, 'paid', 1000000001, 'USD', 200000, 8, 10, now(), now(), now(),
        now(), now()),
      (gen_random_uuid(), 1, 10003, 'cancelled', null, 'USD', 0, 1, 1, now(), now(), now(), now(),
        null);
    update invoice_series set last_number = 1000000001;
    insert into card_charge (account_id, card_id, purchase_id, other_purchase_ids, amount, currency,
      look_at, created_at)
    values (1, 1, 10001, '{10002,10003}', 5000000, 'USD', now(), now())`)
}

/** `count` orders of changing customers with their transfers and events, in one transaction. */
export async function placeOrders(client: pg.Client, count: number): Promise<void> {
  await client.query(
    `with block as (
      select nextval('number_block') - 1000 as first
    ), placed as (
      insert into service_order (id, account_id, api_key_id, service_id, quantity, link, params,
        currency, list_charge, charge, remains, provider, look_at, created_at, updated_at)
      select first + i, i % ${CUSTOMERS} + 1, 1, 1, 100, e'https://example.test/\\\\?\\t' || i,
        jsonb_build_object('comments', repeat('ü', 20), 'n', i), 'USD', 90000, 90000, 100,
        'simulated', now(), now(), now()
      from block, generate_series(0, $1::integer - 1) i
      returning id, account_id
    ), paid as (
      insert into transfer (debit_id, credit_id, amount, currency, cause_kind, cause_id,
        account_id, created_at)
      select account_id, 1000, 90000, 'USD', 'order', id, account_id, now() from placed
    )
    insert into event (kind, subject_id, account_id, actor_kind, actor_id, data, created_at)
    select 'order.placed', id, account_id, 'key', 1, '{"a": "\\u00fc\\\\n"}', now() from placed`,
    [count],
  )
}
