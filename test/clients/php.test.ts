/** How PHP clients of this family of panels send: with curl in three ways, and without it. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { missing, printed } from '../kit/program.ts'
import { startTestPurser } from '../kit/purser.ts'
import { newCustomer, orderRow, servicesByType, transfersOf } from '../kit/shop.ts'

const purser = await startTestPurser()
const folder = await mkdtemp(join(tmpdir(), 'purser-php-'))
after(async () => {
  await purser.stop()
  await rm(folder, { recursive: true, force: true })
})

/** `post($url, $fields)` of each kind; the class of the family's example joins pairs by hand. */
const POSTS: Readonly<Record<string, string>> = {
  'an array, which curl sends as multipart': `
function post($url, $fields) {
  $ch = curl_init($url);
  curl_setopt($ch, CURLOPT_RETURNTRANSFER, 1);
  curl_setopt($ch, CURLOPT_POST, 1);
  curl_setopt($ch, CURLOPT_POSTFIELDS, $fields);
  return curl_exec($ch);
}`,
  http_build_query: `
function post($url, $fields) {
  $ch = curl_init($url);
  curl_setopt($ch, CURLOPT_RETURNTRANSFER, true);
  curl_setopt($ch, CURLOPT_POST, true);
  curl_setopt($ch, CURLOPT_POSTFIELDS, http_build_query($fields));
  return curl_exec($ch);
}`,
  'pairs joined by hand, as an old browser': `
function post($url, $fields) {
  $pairs = array();
  foreach ($fields as $name => $value) $pairs[] = $name . '=' . urlencode($value);
  $ch = curl_init($url);
  curl_setopt($ch, CURLOPT_RETURNTRANSFER, 1);
  curl_setopt($ch, CURLOPT_POST, 1);
  curl_setopt($ch, CURLOPT_HEADER, 0);
  curl_setopt($ch, CURLOPT_FOLLOWLOCATION, 1);
  curl_setopt($ch, CURLOPT_POSTFIELDS, join('&', $pairs));
  curl_setopt($ch, CURLOPT_USERAGENT, 'Mozilla/4.0 (compatible; MSIE 5.01; Windows NT 5.0)');
  return curl_exec($ch);
}`,
  'no curl: a stream context': `
function post($url, $fields) {
  return file_get_contents($url, false, stream_context_create(['http' => [
    'method' => 'POST',
    'header' => 'Content-type: application/x-www-form-urlencoded',
    'content' => http_build_query($fields),
  ]]));
}`,
  'JSON in the body': `
function post($url, $fields) {
  $ch = curl_init($url);
  curl_setopt_array($ch, [
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_HTTPHEADER => ['Content-Type: application/json', 'Expect:'],
    CURLOPT_POSTFIELDS => json_encode($fields),
  ]);
  return curl_exec($ch);
}`,
}

const skip = await missing('php', {
  probe: ['-r', 'exit(function_exists("curl_init") ? 0 : 1);'],
  name: 'php with curl',
})

for (const [name, post] of Object.entries(POSTS)) {
  test(`PHP, ${name}: balance, two orders, their status, a cancel`, { skip }, async () => {
    const customer = await newCustomer(purser, { credit: '1000.00' })
    const { service, min } = (await servicesByType(purser)).get('Custom Comments')!
    const path = join(folder, 'client.php')
    await writeFile(
      path,
      `<?php
error_reporting(E_ALL);
${post}
$url = getenv('PANEL_URL');
$key = getenv('PANEL_KEY');
$link = 'https://shop.example/?a=1&b=två';
$one = post($url, ['key' => $key, 'action' => 'add', 'service' => 1, 'link' => $link,
  'quantity' => 100]);
$comments = implode("\\n", array_fill(0, ${min}, "Good & \\"cheap\\""));
$two = post($url, ['key' => $key, 'action' => 'add', 'service' => ${service}, 'link' => $link,
  'comments' => $comments]);
$ids = [json_decode($one)->order, json_decode($two)->order];
echo json_encode([
  'ids' => $ids,
  'balance' => json_decode(post($url, ['key' => $key, 'action' => 'balance'])),
  'status' => json_decode(post($url, ['key' => $key, 'action' => 'multiStatus',
    'orders' => implode(',', $ids)])),
  'cancel' => json_decode(post($url, ['key' => $key, 'action' => 'cancel',
    'orders' => implode(',', $ids)])),
]);
`,
    )
    const output = JSON.parse(
      await printed('php', [path], {
        PANEL_URL: `${purser.url}/api/v2`,
        PANEL_KEY: customer.key,
      }),
    ) as {
      ids: [number, number]
      balance: { balance: string; currency: string }
      status: Record<string, { charge: string }>
      cancel: { order: number; cancel: { status: string } }[]
    }
    const [first, second] = output.ids
    const row = await orderRow(purser, BigInt(first))
    assert.equal(row.link, 'https://shop.example/?a=1&b=två')
    assert.equal(row.quantity, 100n)
    assert.equal((await transfersOf(purser, BigInt(first)))[0], 'order wallet>revenue 90000')
    const lines = await orderRow(purser, BigInt(second))
    assert.deepEqual(lines.params, { comments: Array(Number(min)).fill('Good & "cheap"') })
    assert.equal(output.balance.currency, 'USD')
    assert.equal(output.status[first]?.charge, '0.09000')
    assert.deepEqual(
      output.cancel,
      [first, second].map((order) => ({ order, cancel: { status: 'success' } })),
    )
  })
}
