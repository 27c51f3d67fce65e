// go run mint.go USER_ID
package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

type claims struct {
	Sub string `json:"sub"`
	Sid string `json:"sid,omitempty"`
}

func sign(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// MintIdentity makes an identity token; sessionID may be empty.
func MintIdentity(userID, secretKey, sessionID string) (string, error) {
	payload, err := json.Marshal(claims{userID, sessionID})
	if err != nil {
		return "", err
	}
	var now [8]byte
	binary.BigEndian.PutUint64(now[:], uint64(time.Now().Unix()))
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode(payload) + "." + encode(bytes.TrimLeft(now[:], "\x00"))
	return signed + "." + encode(sign(sign([]byte(secretKey), "relay.identity.v1"), signed)), nil
}

func main() {
	key := strings.TrimSpace(strings.Split(os.Getenv("RELAY_SECRET_KEYS"), ",")[0])
	token, err := MintIdentity(os.Args[1], key, "")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(token)
}
