"""The playbooks of ansible/, run from the client over SSH, on the two hosts."""
import os
import re
import shutil

from hosts import CLIENT, ROOT, WORK, expect, inside, run

ANSIBLE = os.path.join(ROOT, "ansible")
CONTROLLER = os.path.join(WORK, "controller")   # inventory, secrets, key
INVENTORY = """\
all:
  vars:
    ansible_user: root
    ansible_ssh_private_key_file: {controller}/key
    ansible_ssh_common_args: -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR
tandemq:
  hosts:
    h1:
      ansible_host: 10.99.0.11
      tandemq_index: 1
      tandemq_service_address: 10.99.0.11
      tandemq_replication_address: 10.98.0.11
    h2:
      ansible_host: 10.99.0.12
      tandemq_index: 2
      tandemq_service_address: 10.99.0.12
      tandemq_replication_address: 10.98.0.12
  vars:
    tandemq_pair_id: e2e
    tandemq_interface: host0
    tandemq_virtual_addresses: [10.99.0.100/24]
    tandemq_packages: {packages}
    tandemq_listeners:
      - {{name: mqtt, address: 0.0.0.0, port: 1883, allow_anonymous: true}}
    # The machine that runs tests stalls for longer than hosts do, and its disks are small.
    tandemq_agent_settings: {{failover: {{in_sync_lease_ms: 5000}}}}
    tandemq_broker_settings: {{journal: {{bytes_max: 268435456}}}}
    tandemq_disk_free_min_mb: 600
    tandemq_metrics_networks: [10.99.0.13, 10.99.0.50]
"""
# A third host, and TLS, of whose certificates the boards tell.
MONITOR = ("-i", os.path.join(CONTROLLER, "monitor.yml"))
MONITOR_INVENTORY = """\
all:
  vars:
    tandemq_certificate_file: {controller}/server.pem
    tandemq_key_file: {controller}/server.key
    tandemq_ca_file: {controller}/ca.pem
    tandemq_ca_key_file: {controller}/ca.key
tandemq_monitoring:
  hosts:
    h3: {{ansible_host: 10.99.0.13, tandemq_packages: {packages}, tandemq_monitoring_interval: 2s}}
tandemq:
  vars:
    tandemq_listeners:
      - {{name: mqtt, address: 0.0.0.0, port: 1883, allow_anonymous: true}}
      - {{name: tls, address: 0.0.0.0, port: 8883, allow_anonymous: true, certfile: /etc/tandemq/tls/server.pem,
         keyfile: /etc/tandemq/tls/server.key}}
"""


class Controller:
    def __init__(self, hosts, packages):
        shutil.rmtree(CONTROLLER, ignore_errors=True)
        os.makedirs(CONTROLLER)
        for name, text in (("hosts", INVENTORY), ("monitor", MONITOR_INVENTORY)):
            with open(os.path.join(CONTROLLER, f"{name}.yml"), "w", encoding="utf-8") as file:
                file.write(text.format(controller=CONTROLLER, packages=packages))
        key = os.path.join(CONTROLLER, "key")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        with open(key + ".pub", encoding="utf-8") as file:
            self.public = file.read()
        for host in hosts:
            self.authorize(host)

    @staticmethod
    def change(setting, into):
        """In the inventory, for all plays to come."""
        path = os.path.join(CONTROLLER, "hosts.yml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        expect(setting in text, f"the inventory has {setting}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(setting, into))

    def authorize(self, host):
        host.sh("mkdir -p -m 700 ~root/.ssh")
        host.write("~root/.ssh/authorized_keys", self.public, mode="600")

    @staticmethod
    def play(name, *options, seconds=600, check=True):
        """What it prints, and {host: number of changes}."""
        done = run(*inside(CLIENT, "ansible-playbook", "-i", os.path.join(CONTROLLER, "hosts.yml"), f"{name}.yml",
                           *options), seconds=seconds, check=False, cwd=ANSIBLE,
                   env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": os.path.join(CONTROLLER, "home"),
                        "ANSIBLE_SSH_CONTROL_PATH_DIR": os.path.join(CONTROLLER, "cp"),   # else also of hosts before
                        "ANSIBLE_CONFIG": os.path.join(ANSIBLE, "ansible.cfg"), "LC_ALL": "C.UTF-8"})
        out = done.stdout + done.stderr
        with open(os.path.join(CONTROLLER, "plays.log"), "a", encoding="utf-8") as file:
            file.write(f"==== {name} {' '.join(options)}\n{out}")
        if check:
            expect(done.returncode == 0, f"{name}.yml: {out[-2500:]}")
        return out, {host: int(changed) for host, changed in re.findall(r"^(h\d) .*changed=(\d+)", out, re.M)}
