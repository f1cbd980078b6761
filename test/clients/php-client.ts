import { missing } from '../kit/program.ts'
import type { ClientKind } from './client.ts'
import { startScript } from './script-client.ts'

/**
 * As the family's PHP classes do: `http_build_query` gives urlencoded, an array given to curl as it
 * is gives multipart. curl takes no lists there, so a list is a field for each of its items.
 */
const SCRIPT = `
error_reporting(E_ALL);
while (($line = fgets(STDIN)) !== false) {
  $ask = json_decode($line, true);
  $fields = $ask['fields'];
  $url = $ask['url'];
  $headers = [];
  foreach ($ask['headers'] as $name => $value) $headers[] = "$name: $value";
  if ($ask['body'] === 'query') $url .= '?' . http_build_query($fields);
  $ch = curl_init($url);
  $answered = [];
  curl_setopt($ch, CURLOPT_RETURNTRANSFER, true);
  curl_setopt($ch, CURLOPT_HEADERFUNCTION, function ($ch, $header) use (&$answered) {
    $pair = explode(':', $header, 2);
    if (count($pair) === 2) $answered[strtolower($pair[0])] = trim($pair[1]);
    return strlen($header);
  });
  if ($ask['body'] === 'urlencoded') {
    curl_setopt($ch, CURLOPT_POST, true);
    curl_setopt($ch, CURLOPT_POSTFIELDS, http_build_query($fields));
  } elseif ($ask['body'] === 'multipart') {
    $flat = [];
    foreach ($fields as $name => $value) {
      if (is_array($value)) foreach ($value as $at => $item) $flat[$name . "[$at]"] = $item;
      else $flat[$name] = $value;
    }
    curl_setopt($ch, CURLOPT_POST, true);
    curl_setopt($ch, CURLOPT_POSTFIELDS, $flat);
  } elseif ($ask['body'] === 'json') {
    $headers[] = 'Content-Type: application/json';
    curl_setopt($ch, CURLOPT_POSTFIELDS, json_encode($fields));
  }
  curl_setopt($ch, CURLOPT_HTTPHEADER, $headers);
  $text = curl_exec($ch);
  echo json_encode([
    'status' => curl_getinfo($ch, CURLINFO_RESPONSE_CODE),
    'type' => $answered['content-type'] ?? null,
    'replayed' => $answered['idempotent-replayed'] ?? null,
    'text' => $text === false ? curl_error($ch) : $text,
  ]), "\\n";
}
`

const PROBE = ['-r', 'exit(function_exists("curl_init") ? 0 : 1);']

/** PHP with its curl extension. */
export const phpClient: ClientKind = {
  name: 'PHP’s curl',
  skip: await missing('php', { probe: PROBE, name: 'php with curl' }),
  bodies: ['urlencoded', 'multipart', 'json', 'query'],
  start: async () => startScript('php', ['-r', SCRIPT]),
}
