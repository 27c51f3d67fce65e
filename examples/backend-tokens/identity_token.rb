# An identity token in Ruby with its standard library alone.
# RELAY_SECRET_KEYS=… ruby identity_token.rb [--session ID] [--ttl SECONDS] USER_ID

require "json"
require "openssl"

module RelayIdentity
  module_function

  # The token for a user who has just logged in.
  #
  # key::        the first of the relay's RELAY_SECRET_KEYS
  # user_id::    the same text as in Personalize, UTF-8, 1 to 256 characters
  # session_id:: if given, the token is good for this session only
  # ttl_s::      if given, it ends after that many seconds
  #
  # Raises ArgumentError for a key no relay takes: with an empty one anybody could sign.
  def token(key, user_id, session_id: nil, ttl_s: nil)
    raise ArgumentError, "RELAY_SECRET_KEYS: the first key has #{key.length} characters, at least 32" if key.length < 32

    now = Time.now.to_i
    claims = { sub: user_id, sid: session_id, exp: ttl_s && now + ttl_s }.compact
    signed = "#{base64url(JSON.generate(claims))}.#{base64url([now].pack("N"))}" # unsigned: good until 2106
    "#{signed}.#{base64url(hmac(hmac(key, "relay.identity.v1"), signed))}"
  end

  def hmac(key, text) = OpenSSL::HMAC.digest("SHA256", key, text)

  def base64url(bytes) = [bytes].pack("m0").tr("+/", "-_").delete("=")
end

if $PROGRAM_NAME == __FILE__
  require "optparse"
  given = {}
  OptionParser.new do |options|
    options.on("--session ID")
    options.on("--ttl SECONDS", Integer)
  end.parse!(into: given)
  key = ENV.fetch("RELAY_SECRET_KEYS", "").split(",").first.to_s.strip
  user_id = ARGV.fetch(0).dup.force_encoding("UTF-8")
  begin
    puts RelayIdentity.token(key, user_id, session_id: given[:session], ttl_s: given[:ttl])
  rescue ArgumentError => error
    abort error.message
  end
end
