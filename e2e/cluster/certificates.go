package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

// An identity is a certificate with its key.
type identity struct {
	certificate *x509.Certificate
	key         crypto.Signer
	certPEM     []byte
	keyPEM      []byte
}

// A subject is what a certificate is for.
type subject struct {
	name          string
	organizations []string
	hosts         []string
	addresses     []net.IP
}

// issue makes an identity. Without an issuer it is its own authority.
func issue(issuer *identity, who subject) (*identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: who.name, Organization: who.organizations},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 1, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		DNSNames:              who.hosts,
		IPAddresses:           who.addresses,
	}
	parent, signer := template, crypto.Signer(key)
	if issuer == nil {
		template.IsCA, template.ExtKeyUsage = true, nil
		template.KeyUsage |= x509.KeyUsageCertSign
	} else {
		parent, signer = issuer.certificate, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	keyPEM, err := privatePEM(key)
	if err != nil {
		return nil, err
	}
	return &identity{certificate, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), keyPEM}, nil
}

func privatePEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), err
}

// writeCertificates writes every identity that a cluster needs, and a kubeconfig for each client.
func writeCertificates(p *plan) error {
	if err := os.MkdirAll(p.path("pki"), 0o700); err != nil {
		return err
	}
	authority, err := issue(nil, subject{name: "e2e-ca"})
	if err != nil {
		return err
	}
	front, err := issue(nil, subject{name: "e2e-front-proxy-ca"})
	if err != nil {
		return err
	}
	addresses := []net.IP{net.ParseIP("127.0.0.1"), net.ParseIP(p.serviceIP()), net.ParseIP(p.nodeIP())}
	apiHosts := []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}
	masters := []string{"system:masters"}
	for file, want := range map[string]struct {
		issuer *identity
		who    subject
	}{
		"apiserver":                {authority, subject{"kube-apiserver", nil, apiHosts, addresses}},
		"apiserver-kubelet-client": {authority, subject{"kube-apiserver-kubelet-client", masters, nil, nil}},
		"front-proxy-client":       {front, subject{"front-proxy-client", nil, nil, nil}},
		"kubelet-serving":          {authority, subject{nodeName, nil, []string{nodeName}, addresses}},
		"metrics-server-serving":   {authority, subject{"metrics-server", nil, []string{"metrics-server.kube-system.svc"}, addresses}},
	} {
		made, err := issue(want.issuer, want.who)
		if err != nil {
			return err
		}
		if err := save(p, file, made); err != nil {
			return err
		}
	}
	for file, who := range map[string]subject{
		"admin":                   {"admin", masters, nil, nil},
		"kube-controller-manager": {"system:kube-controller-manager", nil, nil, nil},
		"kube-scheduler":          {"system:kube-scheduler", nil, nil, nil},
		"kube-proxy":              {"system:kube-proxy", nil, nil, nil},
		"kubelet":                 {"system:node:" + nodeName, []string{"system:nodes"}, nil, nil},
		// It may read anything: its roles are not tested here.
		"metrics-server": {"metrics-server", masters, nil, nil},
	} {
		made, err := issue(authority, who)
		if err != nil {
			return err
		}
		if err := writeSecret(p, file+".kubeconfig", clientConfig(p, authority, made)); err != nil {
			return err
		}
	}
	if err := save(p, "ca", authority); err != nil {
		return err
	}
	if err := save(p, "front-proxy-ca", front); err != nil {
		return err
	}
	return writeServiceAccountKey(p)
}

func clientConfig(p *plan, authority, client *identity) []byte {
	b := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters: [{name: e2e, cluster: {server: "%s", certificate-authority-data: %s}}]
users: [{name: e2e, user: {client-certificate-data: %s, client-key-data: %s}}]
contexts: [{name: e2e, context: {cluster: e2e, user: e2e}}]
current-context: e2e
`, p.server(), b(authority.certPEM), b(client.certPEM), b(client.keyPEM))
}

func writeServiceAccountKey(p *plan) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	private, err := privatePEM(key)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	if err := writeSecret(p, "sa.key", private); err != nil {
		return err
	}
	return writeSecret(p, "sa.pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func save(p *plan, file string, made *identity) error {
	if err := writeSecret(p, file+".crt", made.certPEM); err != nil {
		return err
	}
	return writeSecret(p, file+".key", made.keyPEM)
}

func writeSecret(p *plan, file string, content []byte) error {
	return os.WriteFile(p.pki(file), content, 0o600)
}
