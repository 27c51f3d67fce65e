<?php
// An identity token in PHP >= 8.0 without any package.
// RELAY_SECRET_KEYS=… php identity_token.php [--session ID] [--ttl SECONDS] USER_ID

declare(strict_types=1);

/** Base64url without padding. */
function relay_base64url(string $bytes): string
{
    return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}

/**
 * The token for a user who has just logged in.
 *
 * @param string      $key       the first of the relay's RELAY_SECRET_KEYS
 * @param string      $userId    the same text as in Personalize, UTF-8, 1 to 256 characters
 * @param string|null $sessionId if given, the token is good for this session only
 * @param int|null    $ttlS      if given, it ends after that many seconds
 *
 * @throws InvalidArgumentException the key is not one a relay takes: with an empty one anybody could sign
 */
function relay_identity_token(string $key, string $userId, ?string $sessionId = null, ?int $ttlS = null): string
{
    if (strlen($key) < 32) {
        throw new InvalidArgumentException('RELAY_SECRET_KEYS: the first key has ' . strlen($key) . ' characters, at least 32');
    }
    $claims = ['sub' => $userId];
    if ($sessionId !== null) {
        $claims['sid'] = $sessionId;
    }
    if ($ttlS !== null) {
        $claims['exp'] = time() + $ttlS;
    }
    $payload = relay_base64url(json_encode($claims, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES));
    $signed = $payload . '.' . relay_base64url(pack('N', time())); // unsigned: good until 2106
    $derived = hash_hmac('sha256', 'relay.identity.v1', $key, true);

    return $signed . '.' . relay_base64url(hash_hmac('sha256', $signed, $derived, true));
}

if (PHP_SAPI === 'cli' && realpath($argv[0]) === __FILE__) {
    $given = getopt('', ['session:', 'ttl:'], $next);
    $key = trim(explode(',', (string) getenv('RELAY_SECRET_KEYS'))[0]);
    $ttlS = isset($given['ttl']) ? (int) $given['ttl'] : null;
    try {
        echo relay_identity_token($key, $argv[$next], $given['session'] ?? null, $ttlS), "\n";
    } catch (InvalidArgumentException $error) {
        fwrite(STDERR, $error->getMessage() . "\n");
        exit(1);
    }
}
