// An identity token in Go with its standard library alone.
//
//	RELAY_SECRET_KEYS=… go run identity_token.go [-session ID] [-ttl SECONDS] USER_ID
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"
	"time"
)

type claims struct {
	Subject string `json:"sub"`
	Session string `json:"sid,omitempty"`
	Expires int64  `json:"exp,omitempty"`
}

// IdentityToken is the token for a user who has just logged in.
//
// key is the first of the relay's RELAY_SECRET_KEYS; userID the same text as in Personalize, 1 to 256 characters.
// A key that no relay takes is an error. With a sessionID the token is good for that session only; with a ttl it ends after that time.
func IdentityToken(key, userID, sessionID string, ttl time.Duration) (string, error) {
	if len(key) < 32 { // with an empty one anybody could sign
		return "", fmt.Errorf("RELAY_SECRET_KEYS: the first key has %d characters, at least 32", len(key))
	}
	now := time.Now()
	content := claims{Subject: userID, Session: sessionID}
	if ttl > 0 {
		content.Expires = now.Add(ttl).Unix()
	}
	payload, err := json.Marshal(content)
	if err != nil {
		return "", err
	}
	seconds := make([]byte, 4) // unsigned: good until 2106
	binary.BigEndian.PutUint32(seconds, uint32(now.Unix()))
	base64url := base64.RawURLEncoding.EncodeToString
	signed := base64url(payload) + "." + base64url(seconds)
	derived := sum([]byte(key), "relay.identity.v1")
	return signed + "." + base64url(sum(derived, signed)), nil
}

func sum(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func main() {
	session := flag.String("session", "", "the only session it is for")
	ttl := flag.Int("ttl", 0, "seconds it lives")
	flag.Parse()
	key := strings.TrimSpace(strings.Split(os.Getenv("RELAY_SECRET_KEYS"), ",")[0])
	token, err := IdentityToken(key, flag.Arg(0), *session, time.Duration(*ttl)*time.Second)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token)
}
