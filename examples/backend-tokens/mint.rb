# ruby mint.rb USER_ID
require 'json'
require 'openssl'

def base64url(bytes) = [bytes].pack('m0').tr('+/', '-_').delete('=')
def hmac(key, text) = OpenSSL::HMAC.digest('SHA256', key, text)

def mint_identity(user_id, secret_key, session_id = nil)
  payload = JSON.generate({ sub: user_id, sid: session_id }.compact)
  time = [Time.now.to_i].pack('Q>').sub(/\A\0+/n, '')
  signed = "#{base64url(payload)}.#{base64url(time)}"
  "#{signed}.#{base64url(hmac(hmac(secret_key, 'relay.identity.v1'), signed))}"
end

puts mint_identity(ARGV[0], ENV.fetch('RELAY_SECRET_KEYS').split(',').first.strip)
