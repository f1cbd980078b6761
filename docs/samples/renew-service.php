<?php
// Pays a server's open renewal, once however often this is sent.
//   PURSER_URL=http://127.0.0.1:8080 PURSER_KEY=pur_… PURSER_VMID=12345 php renew-service.php

// Keep this name before you send it: sent again under the same name, nothing is paid twice.
$idempotencyKey = bin2hex(random_bytes(16));

function renewService(): array
{
    global $idempotencyKey;
    for ($attempt = 1; $attempt <= 5; $attempt++) {
        $curl = curl_init(getenv('PURSER_URL'));
        curl_setopt_array($curl, [
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_TIMEOUT => 30,
            CURLOPT_HTTPHEADER => ["Idempotency-Key: $idempotencyKey"],
            CURLOPT_POSTFIELDS => http_build_query([
                'API_KEY' => getenv('PURSER_KEY'),
                'QUERY' => 'renew_service',
                'VMID' => getenv('PURSER_VMID'),
            ]),
        ]);
        $text = curl_exec($curl);
        // No answer: it may have been paid, so ask under the same name.
        if ($text !== false && curl_getinfo($curl, CURLINFO_RESPONSE_CODE) !== 429) {
            return json_decode($text, true);
        }
        sleep($attempt);
    }
    throw new RuntimeException('no answer');
}

$first = renewService();
$again = renewService();
// Errors come with HTTP 200 as well: look at query_status.
echo "{$first['query_status']}: {$first['query_result']}\n";
echo "invoice {$first['invoice_id']}, paid {$first['amount_paid']}, again {$again['invoice_id']}\n";
