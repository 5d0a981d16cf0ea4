@echo off
rem The model's port 11434: this machine and the private zone only. Run as administrator.
rem Rules that were there for Ollama allow everybody: they are removed first.
netsh advfirewall firewall delete rule name="ollama.exe" >nul 2>&1
netsh advfirewall firewall delete rule name="Ollama" >nul 2>&1
netsh advfirewall firewall delete rule name="Rempart model 11434" >nul 2>&1
netsh advfirewall firewall add rule name="Rempart model 11434" dir=in action=allow protocol=TCP localport=11434 remoteip=127.0.0.1,::1,172.20.0.0/16 profile=any
netsh advfirewall set allprofiles firewallpolicy blockinbound,allowoutbound
