<?php
// Places an order so that it is bought once however often this is sent, then reads its status.
//   PURSER_URL=http://127.0.0.1:8080 PURSER_KEY=pur_… php place-order.php
$url = getenv('PURSER_URL') . '/api/v2';
$key = getenv('PURSER_KEY');

/** [HTTP code, or 0 where no answer came; the answer] */
function ask(array $fields, array $headers = []): array
{
    global $url, $key;
    $curl = curl_init($url);
    curl_setopt_array($curl, [
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 30,
        CURLOPT_HTTPHEADER => $headers,
        CURLOPT_POSTFIELDS => http_build_query(['key' => $key] + $fields),
    ]);
    $text = curl_exec($curl);
    return [curl_getinfo($curl, CURLINFO_RESPONSE_CODE), $text ? json_decode($text, true) : null];
}

// Keep this name with your own order before you send it: sent again, it buys nothing twice.
$idempotencyKey = bin2hex(random_bytes(16));

function placeOrder(array $fields): array
{
    global $idempotencyKey;
    for ($attempt = 1; $attempt <= 5; $attempt++) {
        [$code, $answer] = ask(['action' => 'add'] + $fields, ["Idempotency-Key: $idempotencyKey"]);
        if ($code === 200) {
            return $answer;
        }
        // No answer, or "try again": the order may have been bought, so ask under the same name.
        if ($code !== 0 && $code !== 429 && $code < 500) {
            break;
        }
        sleep($attempt);
    }
    throw new RuntimeException($answer['error'] ?? 'no answer');
}

$order = ['service' => 1, 'link' => 'https://shop.example/page', 'quantity' => 100];
$first = placeOrder($order);
$again = placeOrder($order);
echo "order {$first['order']}, sent again: {$again['order']}\n";
[, $status] = ask(['action' => 'status', 'order' => $first['order']]);
echo "status {$status['status']}, charge {$status['charge']} {$status['currency']}\n";
