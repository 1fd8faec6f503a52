{{- define "fib-server.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- if contains $name .Release.Name -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Of objects that the base names by themselves: the plain name for fib-server, and one of its own for each other
release in the namespace. Takes the root and the name. */}}
{{- define "fib-server.own" -}}
{{- $fullname := include "fib-server.fullname" (index . 0) -}}
{{- if eq $fullname "fib-server" }}{{ index . 1 }}{{ else }}{{ $fullname }}-{{ index . 1 }}{{ end -}}
{{- end }}

{{- define "fib-server.selector" -}}
app.kubernetes.io/name: {{ include "fib-server.fullname" . }}
{{- end }}

{{- define "fib-server.partOf" -}}
app.kubernetes.io/part-of: fib
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "fib-server.labels" -}}
{{ include "fib-server.selector" . }}
{{ include "fib-server.partOf" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "fib-server.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "fib-server.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end }}

{{/* An image by digest or tag. Takes repository, tag and digest. */}}
{{- define "fib-server.reference" -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag }}{{ end -}}
{{- end }}

{{- define "fib-server.image" -}}
{{- include "fib-server.reference" (dict "repository" .Values.image.repository "tag" (.Values.image.tag | default .Chart.AppVersion) "digest" .Values.image.digest) -}}
{{- end }}

{{- define "fib-server.testImage" -}}
{{- $repository := .Values.test.image.repository | default (regexReplaceAll "fib-server$" .Values.image.repository "fib-loadgen") -}}
{{- $tag := .Values.test.image.tag | default .Values.image.tag | default .Chart.AppVersion -}}
{{- include "fib-server.reference" (dict "repository" $repository "tag" $tag "digest" .Values.test.image.digest) -}}
{{- end }}

{{/* Rules and dashboards are written for a job and an autoscaler named fib-server. Takes the root and the text. */}}
{{- define "fib-server.renamed" -}}
{{- $name := include "fib-server.fullname" (index . 0) -}}
{{- $text := index . 1 -}}
{{- if ne $name "fib-server" -}}
{{- $text = $text | replace "job=\"fib-server\"" (printf "job=\"%s\"" $name) | replace "job=\\\"fib-server\\\"" (printf "job=\\\"%s\\\"" $name) -}}
{{- $text = $text | replace "=~\"fib-server.*\"" (printf "=\"%s\"" $name) | replace "=~\\\"fib-server.*\\\"" (printf "=\\\"%s\\\"" $name) -}}
{{- end -}}
{{- $text -}}
{{- end }}

{{- define "fib-server.meta" -}}
name: {{ include "fib-server.fullname" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "fib-server.labels" . | nindent 2 }}
{{- end }}

{{/* Without the fields that were set to null, for clusters that choose the user themselves. */}}
{{- define "fib-server.podSecurityContext" -}}
{{- $context := dict -}}
{{- range $key, $value := .Values.podSecurityContext -}}
{{- if not (kindIs "invalid" $value) }}{{ $_ := set $context $key $value }}{{ end -}}
{{- end -}}
{{- toYaml $context -}}
{{- end }}

{{/* The values under `server` as variables; those at their defaults are left out. */}}
{{- define "fib-server.settings" -}}
{{- with .Values.server -}}
{{- $settings := dict
  "FIB_LOG_LEVEL" .logLevel
  "FIB_OTLP" .otlp
  "FIB_COMPRESS" (ternary "true" "" .compress)
  "FIB_CORS_ORIGINS" (join "," .corsOrigins)
  "FIB_MAX_INFLIGHT_BYTES" .maxInflightBytes
  "FIB_MAX_CONNECTIONS" (.maxConnections | int | eq 0 | ternary "" (.maxConnections | int | toString))
  "FIB_TRUSTED_PROXIES" (join "," .trustedProxies)
  "FIB_MAIN_METRICS" (ternary "" "false" .mainMetrics)
  "FIB_RATE_LIMIT" (.rateLimit.perSecond | int | eq 0 | ternary "" (.rateLimit.perSecond | int | toString))
  "FIB_RATE_LIMIT_BURST" (.rateLimit.burst | int | eq 0 | ternary "" (.rateLimit.burst | int | toString))
  "FIB_TLS_CERT" (ternary "/etc/fib-server/tls/tls.crt" "" (not (empty .tls.secretName)))
  "FIB_TLS_KEY" (ternary "/etc/fib-server/tls/tls.key" "" (not (empty .tls.secretName)))
  "FIB_TLS_CLIENT_CA" (ternary "/etc/fib-server/client-ca/ca.crt" "" (not (empty .tls.clientCaSecretName)))
-}}
{{- range $name, $value := $settings -}}
{{- with $value }}
{{ $name }}: {{ . | quote }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The Secrets of TLS by the folder that they are mounted in. Whole folders, so that the kubelet renews the files. */}}
{{- define "fib-server.certificates" -}}
{{- with .Values.server.tls -}}
{{- if .secretName }}
tls: {{ .secretName }}
{{- end }}
{{- if .clientCaSecretName }}
client-ca: {{ .clientCaSecretName }}
{{- end }}
{{- end -}}
{{- end }}

{{- define "fib-server.scheme" -}}
{{ if .Values.server.tls.secretName }}https{{ else }}http{{ end }}
{{- end }}
