<?php
// php mint.php USER_ID

function base64url(string $bytes): string
{
    return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}

function mint_identity(string $userId, string $secretKey, ?string $sessionId = null): string
{
    $claims = ['sub' => $userId] + ($sessionId === null ? [] : ['sid' => $sessionId]);
    $payload = json_encode($claims, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
    $signed = base64url($payload) . '.' . base64url(ltrim(pack('J', time()), "\0"));
    $key = hash_hmac('sha256', 'relay.identity.v1', $secretKey, true);
    return $signed . '.' . base64url(hash_hmac('sha256', $signed, $key, true));
}

echo mint_identity($argv[1], trim(explode(',', getenv('RELAY_SECRET_KEYS'))[0])), "\n";
