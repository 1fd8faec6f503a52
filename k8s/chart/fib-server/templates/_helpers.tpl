{{- define "fib-server.selector" -}}
app.kubernetes.io/name: {{ .Release.Name }}
{{- end }}

{{- define "fib-server.labels" -}}
{{ include "fib-server.selector" . }}
app.kubernetes.io/part-of: fib
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "fib-server.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}
