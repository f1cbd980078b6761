<?php
// Receives webhooks, and believes those that are signed with the endpoint's secret.
//   PURSER_WEBHOOK_SECRET=whsec_… php -S 127.0.0.1:9000 receive-webhook.php
$secret = base64_decode(preg_replace('/^whsec_/', '', getenv('PURSER_WEBHOOK_SECRET')));
const TOLERANCE_SECONDS = 5 * 60;

function isSigned(string $secret, string $body): bool
{
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $timestamp = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    // An old message that somebody recorded is not to be believed again.
    if (!ctype_digit($timestamp) || abs(time() - (int) $timestamp) > TOLERANCE_SECONDS) {
        return false;
    }
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $secret, true));
    // While a secret is being rotated there are two signatures.
    foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $signature) {
        if (hash_equals($expected, $signature)) {
            return true;
        }
    }
    return false;
}

// The signature is over the bytes as they came: do not parse them and write them anew.
$body = file_get_contents('php://input');
if (!isSigned($secret, $body)) {
    http_response_code(401);
    return;
}
// A message may come twice, and then has the same id: keep the ids with your orders, and skip
// those that you know.
$change = json_decode($body, true);
file_put_contents('php://stdout', "order {$change['order_id']} is {$change['status']}\n");
http_response_code(204);
